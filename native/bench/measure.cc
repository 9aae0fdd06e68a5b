#include "bench/measure.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace zvm {
namespace {

double Quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const auto index = static_cast<size_t>(q * static_cast<double>(values.size() - 1) + 0.5);
  return values[index];
}

// Value to the peer's value, by minima (or maxima).
double Ratio(const Row& row, const std::vector<Row>& rows) {
  return row.peer < 0 ? 0 : row.samples.Best() / rows[row.peer].samples.Best();
}

bool GoalMet(const Row& row, const std::vector<Row>& rows) {
  const double value = row.peer < 0 ? row.samples.Best() : Ratio(row, rows);
  return row.goal == 0 || (row.samples.more_is_better ? value >= row.goal : value <= row.goal);
}

void PrintJson(const std::string& title, const std::vector<Row>& rows, const char* path) {
  FILE* const file = fopen(path, "w");
  if (file == nullptr) {
    perror(path);
    return;
  }
  fprintf(file, "{\"bench\":\"%s\",\"rows\":[", title.c_str());
  for (size_t i = 0; i < rows.size(); ++i) {
    const Samples& s = rows[i].samples;
    fprintf(file, "%s\n{\"name\":\"%s\",\"unit\":\"%s\",\"best\":%g,\"median\":%g,\"p99\":%g",
            i ? "," : "", s.name.c_str(), s.unit.c_str(), s.Best(), s.Median(), s.P99());
    if (rows[i].peer >= 0) {
      fprintf(file, ",\"peer\":\"%s\",\"ratio\":%g", rows[rows[i].peer].samples.name.c_str(),
              Ratio(rows[i], rows));
    }
    if (rows[i].goal != 0) {
      fprintf(file, ",\"goal\":%g,\"met\":%s", rows[i].goal,
              GoalMet(rows[i], rows) ? "true" : "false");
    }
    fprintf(file, "}");
  }
  fprintf(file, "\n]}\n");
  fclose(file);
}

}  // namespace

double Samples::Best() const { return Quantile(values, more_is_better ? 1 : 0); }
double Samples::Median() const { return Quantile(values, 0.5); }
double Samples::P99() const { return Quantile(values, more_is_better ? 0.01 : 0.99); }

double TimeNs(const std::function<void()>& body) {
  timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  body();
  clock_gettime(CLOCK_MONOTONIC, &end);
  return static_cast<double>(end.tv_sec - start.tv_sec) * 1e9 +
         static_cast<double>(end.tv_nsec - start.tv_nsec);
}

bool PrintTable(const std::string& title, const std::vector<Row>& rows, const char* json_path) {
  printf("%s\n%-58s %-5s %10s %10s %10s  %s\n", title.c_str(), "", "unit", "best", "median", "p99",
         "ratio of bests to a peer of this run");
  bool all_met = true;
  for (const Row& row : rows) {
    const Samples& s = row.samples;
    printf("%-58s %-5s %10.3f %10.3f %10.3f", s.name.c_str(), s.unit.c_str(), s.Best(), s.Median(),
           s.P99());
    if (row.peer >= 0) {
      printf("  %.3f x %s", Ratio(row, rows), rows[row.peer].samples.name.c_str());
    }
    if (row.goal != 0) {
      const bool met = GoalMet(row, rows);
      all_met &= met;
      printf("  (goal %s %g: %s)", s.more_is_better ? ">=" : "<=", row.goal,
             met ? "met" : "MISSED");
    }
    printf("\n");
  }
  if (json_path != nullptr) {
    PrintJson(title, rows, json_path);
  }
  return all_met;
}

}  // namespace zvm
