// The one switch that maps a program unjudged. Its own translation unit, so that only a test
// program that defines the function itself (test/native/attack/) can have another answer; no
// option, no environment variable and no file can.
#pragma once

namespace zvm {

// SAFETY: false in everything that is installed. True gives up the inner wall.
bool SkipsValidation();

}  // namespace zvm
