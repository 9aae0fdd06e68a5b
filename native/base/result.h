// Result<T, E>: a value or an error of the layer that made it. No exceptions anywhere in native/.
#pragma once

#include <new>
#include <type_traits>
#include <utility>

#include "base/check.h"

namespace zvm {

template <class E>
struct Err {
  E error;
};

template <class E>
Err(E) -> Err<E>;

// Either a T or an E. Reading the wrong one is a programming error and ends the process.
template <class T, class E>
class [[nodiscard]] Result {
 public:
  Result(T value) : ok_(true) { new (&value_) T(std::move(value)); }
  Result(Err<E> err) : ok_(false) { new (&error_) E(std::move(err.error)); }
  Result(Result&& other) noexcept : ok_(other.ok_) {
    if (ok_) {
      new (&value_) T(std::move(other.value_));
    } else {
      new (&error_) E(std::move(other.error_));
    }
  }
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;
  Result& operator=(Result&&) = delete;
  ~Result() {
    if (ok_) {
      value_.~T();
    } else {
      error_.~E();
    }
  }

  bool ok() const { return ok_; }
  T& value() {
    ZVM_CHECK(ok_);
    return value_;
  }
  const T& value() const {
    ZVM_CHECK(ok_);
    return value_;
  }
  const E& error() const {
    ZVM_CHECK(!ok_);
    return error_;
  }

 private:
  bool ok_;
  union {
    T value_;
    E error_;
  };
};

struct Unit {};

}  // namespace zvm
