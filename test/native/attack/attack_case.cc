// See attack_case.h.
#include "attack_case.h"

#include <dirent.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/check.h"

namespace zvm::test {
namespace {

const std::string kFolder = ZVM_TEST_DIR "/guest/attack/";
constexpr std::string_view kSuffix = ".S";

std::vector<std::string> Words(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) {
    words.push_back(word);
  }
  return words;
}

std::vector<Expectation> ParseExpectations(const std::string& text) {
  std::vector<Expectation> alternatives;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, '|');) {
    Expectation expectation;
    for (const std::string& word : Words(part)) {
      const size_t equals = word.find('=');
      ZVM_CHECK(equals != std::string::npos);
      expectation[word.substr(0, equals)] = word.substr(equals + 1);
    }
    ZVM_CHECK(!expectation.empty());
    alternatives.push_back(expectation);
  }
  return alternatives;
}

void ApplyLine(const std::string& key, const std::string& value, AttackCase& attack) {
  if (key == "expect") {
    attack.expected = ParseExpectations(value);
  } else if (key == "unvalidated") {
    attack.unvalidated = value == "same" ? attack.expected : ParseExpectations(value);
  } else if (key == "memory") {
    ZVM_CHECK(value.back() == 'M');
    attack.memory_bytes = std::strtoull(value.c_str(), nullptr, 10) << 20;
  } else if (key == "options") {
    attack.options = Words(value);
  } else if (key == "channel") {
    attack.channels.push_back(value);
  } else if (key == "channels") {
    attack.channel_count = std::strtoull(value.c_str(), nullptr, 10);
  } else if (key == "stdin") {
    attack.standard_input = value;
  } else if (key == "on-gate") {
    attack.on_gate = value;
  }
}

AttackCase ReadCase(const std::string& name) {
  AttackCase attack;
  attack.name = name;
  std::ifstream file(kFolder + name + std::string(kSuffix));
  for (std::string line; std::getline(file, line) && line.starts_with("//");) {
    const size_t colon = line.find(": ");
    if (colon != std::string::npos && colon > 3) {
      ApplyLine(line.substr(3, colon - 3), line.substr(colon + 2), attack);
    }
  }
  ZVM_CHECK(!attack.expected.empty());
  return attack;
}

}  // namespace

std::vector<AttackCase> ReadAttackCases() {
  std::vector<std::string> names;
  DIR* const folder = opendir(kFolder.c_str());
  ZVM_CHECK(folder != nullptr);
  while (const dirent* const entry = readdir(folder)) {
    const std::string name = entry->d_name;
    if (name.ends_with(kSuffix)) {
      names.push_back(name.substr(0, name.size() - kSuffix.size()));
    }
  }
  closedir(folder);
  std::sort(names.begin(), names.end());
  std::vector<AttackCase> cases;
  for (const std::string& name : names) {
    cases.push_back(ReadCase(name));
  }
  return cases;
}

}  // namespace zvm::test
