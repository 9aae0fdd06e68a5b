// log-grep PATTERN: of the web server log on standard input, prints the lines that the regular
// expression PATTERN matches, then how often each text of its first group was seen, the most
// frequent first. Exit code 1: no line matched, 2: bad pattern.
#include <algorithm>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <vector>

int main(int argc, char **argv) {
  if (argc != 2) {
    std::cerr << "usage: log-grep PATTERN\n";
    return 2;
  }
  std::map<std::string, int> seen;
  try {
    const std::regex pattern(argv[1]);
    std::smatch match;
    for (std::string line; std::getline(std::cin, line);) {
      if (!std::regex_search(line, match, pattern)) continue;
      std::cout << line << '\n';
      ++seen[match[match.size() > 1 ? 1 : 0]];
    }
  } catch (const std::regex_error &error) {
    std::cerr << "log-grep: " << error.what() << '\n';
    return 2;
  }
  std::vector<std::pair<std::string, int>> ranked(seen.begin(), seen.end());
  std::ranges::stable_sort(ranked, std::greater{}, [](const auto &entry) { return entry.second; });
  for (const auto &[text, count] : ranked) std::cout << count << ' ' << text << '\n';
  return seen.empty() ? 1 : 0;
}
