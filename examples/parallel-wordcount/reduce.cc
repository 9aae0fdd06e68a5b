// The reduce half of a distributed word count: adds up what every mapper wrote into its channel
// /dev/in/map-N and prints the sums in the order of the words.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>

int main() {
  std::map<std::string, unsigned long> sums;
  for (const auto &channel : std::filesystem::directory_iterator("/dev/in")) {
    std::ifstream mapper(channel.path());
    std::string word;
    for (unsigned long count; mapper >> count >> word;) sums[word] += count;
  }
  for (const auto &[word, sum] : sums) std::cout << sum << ' ' << word << '\n';
  return 0;
}
