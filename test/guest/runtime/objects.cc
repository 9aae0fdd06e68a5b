// C++: exceptions through frames with destructors, RTTI, containers, streams, file system, locale.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "check.h"

namespace {

int destroyed = 0;
int constructed_before_main = 0;

struct Global {
  Global() { ++constructed_before_main; }
} global;

struct Guard {
  ~Guard() { ++destroyed; }
};

struct Base {
  virtual ~Base() = default;
  virtual int Value() const { return 1; }
};
struct Derived : Base {
  int Value() const override { return 2; }
};

thread_local int per_thread = 5;

void Throw(int depth) {
  Guard guard;
  if (depth == 0) throw std::out_of_range("deep");
  Throw(depth - 1);
}


void Exceptions() {
  std::string what;
  try {
    Throw(20);
  } catch (const std::logic_error& error) {
    what = error.what();
  }
  CHECK(what == "deep" && destroyed == 21);
  int sum = 0;
  for (int i = 0; i < 2000; ++i) {
    try {
      if (i % 2 == 0) throw i;
      throw std::string("text");
    } catch (int value) {
      sum += value;
    } catch (const std::string& text) {
      sum += static_cast<int>(text.size());
    }
  }
  CHECK(sum == 999000 + 4000);
  bool rethrown = false;
  try {
    try {
      std::vector<int>().at(1);
    } catch (...) {
      throw;
    }
  } catch (const std::out_of_range&) {
    rethrown = true;
  }
  CHECK(rethrown);
}

void Streams() {
  std::ostringstream out;
  out << 3.25 << ' ' << std::hex << 255 << ' ' << std::boolalpha << true;
  CHECK(out.str() == "3.25 ff true");
  { std::ofstream("/tmp/lines") << "one\ntwo\n"; }
  std::ifstream in("/tmp/lines");
  std::string line, all;
  while (std::getline(in, line)) all += line + ";";
  CHECK(all == "one;two;");
  CHECK(std::filesystem::file_size("/tmp/lines") == 8);
  std::filesystem::create_directories("/tmp/x/y/z");
  int entries = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("/tmp/x")) {
    entries += entry.is_directory() ? 1 : 100;
  }
  CHECK(entries == 2);
  CHECK(std::filesystem::remove_all("/tmp/x") == 3);
}

}  // namespace

int main() {
  CHECK(constructed_before_main == 1 && per_thread == 5);
  Exceptions();
  std::unique_ptr<Base> object = std::make_unique<Derived>();
  CHECK(object->Value() == 2 && dynamic_cast<Derived*>(object.get()) != nullptr);
  CHECK(std::string(typeid(*object).name()).find("Derived") != std::string::npos);
  std::map<std::string, int> ordered{{"b", 2}, {"a", 1}};
  CHECK(ordered.begin()->second == 1);
  std::unordered_map<int, int> hashed;
  for (int i = 0; i < 10000; ++i) hashed[i * 7] = i;
  CHECK(hashed[700] == 100 && hashed.size() == 10000);
  CHECK(std::regex_replace(std::string("hello world"), std::regex("o(.)"), "[$1]") ==
        "hell[ ]w[r]ld");
  CHECK(std::mt19937(1)() == 1791095845u);
  CHECK(std::to_string(1.5) == "1.500000" && std::stoi("42") == 42);
  Streams();
  return failures;
}
