#include <cmath>
#include <iostream>
#include <string>

#include "greeting.h"

int main(int argc, char **) {
  std::cout << std::string(greeting()) + " from CMake, " << std::sqrt(16.0 * argc) << "\n";
}
