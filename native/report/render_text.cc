// The classic report: seven lines that existing clients split at line feeds (docs/abi.md §6.1).
// Whatever text goes in, exactly seven line feeds come out.
#include "report/render.h"

namespace zvm {
namespace {

constexpr std::string_view kMemoryAlias = "/dev/memory";
constexpr size_t kDigestSizeMax = sizeof(DigestText::text);
// Three numbers, ten accounting fields of at most 20 digits, blanks, line feeds.
constexpr size_t kFixedTextSizeMax = 512;

// Aliases and states come from outside; a line feed in one would shift the lines behind it.
void AddOneLine(std::string_view text, TextBuffer& out) {
  for (const char c : text) {
    out.AddChar((c >= 0 && c < 0x20) || c == 0x7F ? ' ' : c);
  }
}

// `name digest` pairs, one blank between all of them.
class EtagLine {
 public:
  explicit EtagLine(TextBuffer& out) : out_(out) {}
  void Add(std::string_view name, const DigestText& digest) {
    if (digest.size == 0) {
      return;
    }
    if (!empty_) {
      out_.AddChar(' ');
    }
    AddOneLine(name, out_);
    out_.AddChar(' ').Add(digest.view());
    empty_ = false;
  }
  bool empty() const { return empty_; }

 private:
  TextBuffer& out_;
  bool empty_ = true;
};

void AddEtags(const Report& report, ReportDetail detail, TextBuffer& out) {
  EtagLine line(out);
  if (report.any_etag) {
    if (detail == ReportDetail::kFull) {
      for (const ChannelView& channel : report.channels) {
        line.Add(channel.alias, channel.digest);
      }
    }
    line.Add(kMemoryAlias, report.memory_digest);
  }
  if (line.empty()) {
    out.Add("disabled");
  }
  out.AddChar('\n');
}

// Seconds are cut, not rounded, to hundredths: clock ticks, as the classic runtime counted.
void AddAccounting(const Report& report, TextBuffer& out) {
  constexpr uint64_t kUsPerTick = 10'000;
  out.AddFixed(report.system_cpu_us / kUsPerTick, 2).AddChar(' ');
  out.AddFixed(report.user_cpu_us / kUsPerTick, 2);
  const ChannelAccounting& used = report.accounting;
  for (const uint64_t count :
       {used.local_reads, used.local_read_bytes, used.local_writes, used.local_write_bytes,
        used.network_reads, used.network_read_bytes, used.network_writes,
        used.network_write_bytes}) {
    out.AddChar(' ').AddUnsigned(count);
  }
  out.AddChar('\n');
}

}  // namespace

void RenderReportText(const Report& report, ReportDetail detail, TextBuffer& out) {
  out.AddUnsigned(static_cast<uint64_t>(report.validator)).AddChar('\n');
  out.AddChar(report.daemon ? '1' : '0').AddChar('\n');
  out.AddSigned(report.exit_code).AddChar('\n');
  AddEtags(report, detail, out);
  AddAccounting(report, out);
  AddOneLine(report.state, out);
  out.Add("\n\n");
}

size_t ReportTextSizeMax(const Report& report) {
  size_t size = kFixedTextSizeMax + report.state.size() + kMemoryAlias.size() + kDigestSizeMax + 2;
  for (const ChannelView& channel : report.channels) {
    size += channel.alias.size() + kDigestSizeMax + 2;
  }
  return size;
}

}  // namespace zvm
