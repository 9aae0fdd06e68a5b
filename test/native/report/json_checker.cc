#include "json_checker.h"

namespace zvm {
namespace {

constexpr unsigned kDepthMax = 16;

class Checker {
 public:
  explicit Checker(std::string_view text) : rest_(text) {}

  bool Document() {
    const bool ok = Value(0);
    Blanks();
    return ok && rest_.empty();
  }

 private:
  bool Value(unsigned depth) {
    Blanks();
    if (rest_.empty() || depth > kDepthMax) {
      return false;
    }
    switch (rest_[0]) {
      case '{': return Members(depth, '}', true);
      case '[': return Members(depth, ']', false);
      case '"': return String();
      case 't': return Word("true");
      case 'f': return Word("false");
      case 'n': return Word("null");
      default: return Number();
    }
  }

  bool Members(unsigned depth, char close, bool keyed) {
    rest_.remove_prefix(1);
    Blanks();
    if (Take(close)) {
      return true;
    }
    do {
      Blanks();
      if (keyed && !(String() && (Blanks(), Take(':')))) {
        return false;
      }
      if (!Value(depth + 1)) {
        return false;
      }
      Blanks();
    } while (Take(','));
    return Take(close);
  }

  bool String() {
    if (!Take('"')) {
      return false;
    }
    while (!rest_.empty() && rest_[0] != '"') {
      if (static_cast<unsigned char>(rest_[0]) < 0x20) {
        return false;
      }
      if (Take('\\')) {
        if (!Escape()) {
          return false;
        }
      } else {
        rest_.remove_prefix(1);
      }
    }
    return Take('"');
  }

  bool Escape() {
    if (Take('u')) {
      for (int i = 0; i < 4; ++i) {
        if (rest_.empty() || std::string_view("0123456789abcdefABCDEF").find(rest_[0]) ==
                                 std::string_view::npos) {
          return false;
        }
        rest_.remove_prefix(1);
      }
      return true;
    }
    const bool known =
        !rest_.empty() && std::string_view("\"\\/bfnrt").find(rest_[0]) != std::string_view::npos;
    rest_.remove_prefix(known ? 1 : 0);
    return known;
  }

  bool Number() {
    Take('-');
    if (!Take('0') && Digits() == 0) {
      return false;
    }
    return !Take('.') || Digits() > 0;
  }

  size_t Digits() {
    size_t count = 0;
    while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') {
      rest_.remove_prefix(1);
      ++count;
    }
    return count;
  }

  bool Word(std::string_view word) {
    if (!rest_.starts_with(word)) {
      return false;
    }
    rest_.remove_prefix(word.size());
    return true;
  }

  bool Take(char c) {
    if (rest_.empty() || rest_[0] != c) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }

  void Blanks() {
    while (!rest_.empty() && std::string_view(" \t\r\n").find(rest_[0]) != rest_.npos) {
      rest_.remove_prefix(1);
    }
  }

  std::string_view rest_;
};

}  // namespace

bool IsWellFormedJson(std::string_view text) { return Checker(text).Document(); }

}  // namespace zvm
