#include "report/report.h"

#include <algorithm>

#include "base/check.h"
#include "report/render.h"

namespace zvm {
namespace {

void Render(const Report& report, ReportFormat format, ReportDetail detail, TextBuffer& out) {
  if (format == ReportFormat::kText) {
    RenderReportText(report, detail, out);
  } else {
    RenderReportJson(report, detail, out);
  }
}

}  // namespace

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kExited: return "exited";
    case Outcome::kTrapped: return "trapped";
    case Outcome::kLimited: return "limited";
    case Outcome::kCancelled: return "cancelled";
    case Outcome::kFailed: return "failed";
  }
  ZVM_CHECK(false);
}

size_t ReportSizeMax(const Report& report) {
  return std::max({kReportSizeMin, ReportTextSizeMax(report), ReportJsonSizeMax(report)});
}

void RenderReport(const Report& report, ReportFormat format, TextBuffer& out) {
  ZVM_CHECK(out.size() == 0);
  Render(report, format, ReportDetail::kFull, out);
  if (out.truncated()) {
    out.Clear();
    Render(report, format, ReportDetail::kShort, out);
  }
}

}  // namespace zvm
