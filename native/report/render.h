// The two renderings behind RenderReport. Used by the files of this folder only.
#pragma once

#include "report/report.h"

namespace zvm {

// kShort leaves out everything whose length depends on the number of channels or violations.
enum class ReportDetail : uint8_t { kFull, kShort };

void RenderReportText(const Report& report, ReportDetail detail, TextBuffer& out);
size_t ReportTextSizeMax(const Report& report);

void RenderReportJson(const Report& report, ReportDetail detail, TextBuffer& out);
size_t ReportJsonSizeMax(const Report& report);

}  // namespace zvm
