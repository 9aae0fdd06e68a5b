// Measuring: many samples of something, told as minimum, median and 99th percentile beside a peer
// that ran in the same rounds. Minima are the cost; ratios are the truth on a noisy machine.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace zvm {

struct Samples {
  std::string name;
  std::string unit;            // "us", "ns", "MB/s"
  bool more_is_better = false;
  std::vector<double> values;

  double Best() const;    // minimum, or maximum when more is better
  double Median() const;
  double P99() const;     // the 99th percentile towards the worse end
};

// One row of a table: a measurement and the peer it is compared with (index into rows, -1 = none).
// `goal` is the most (or the least, when more is better) that the ratio to the peer may be, or the
// value itself when there is no peer; 0 = no goal.
struct Row {
  Samples samples;
  int peer = -1;
  double goal = 0;
};

// Times `body` once, in nanoseconds.
double TimeNs(const std::function<void()>& body);

// Prints the table; writes the same as JSON to `json_path` unless nullptr. False when a goal is
// missed.
bool PrintTable(const std::string& title, const std::vector<Row>& rows, const char* json_path);

}  // namespace zvm
