# CMake toolchain file: cmake -DCMAKE_TOOLCHAIN_FILE=<clone>/native/guest/zvm.toolchain.cmake ...
# Programs come out as nexes. ZVM_PROFILE (zvm or nacl) in the environment chooses the rule set.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR x86_64)

get_filename_component(_zvm_bin "${CMAKE_CURRENT_LIST_DIR}/../build" ABSOLUTE)
set(CMAKE_C_COMPILER "${_zvm_bin}/zvm-cc")
set(CMAKE_CXX_COMPILER "${_zvm_bin}/zvm-c++")
set(CMAKE_ASM_COMPILER "${_zvm_bin}/zvm-cc")
set(CMAKE_AR "${_zvm_bin}/zvm-ar" CACHE FILEPATH "")
set(CMAKE_RANLIB "${_zvm_bin}/zvm-ranlib" CACHE FILEPATH "")
set(CMAKE_STRIP "${_zvm_bin}/zvm-strip" CACHE FILEPATH "")
set(CMAKE_OBJDUMP "${_zvm_bin}/zvm-objdump" CACHE FILEPATH "")
set(CMAKE_EXECUTABLE_SUFFIX ".nexe")
set(CMAKE_EXECUTABLE_SUFFIX_C ".nexe")
set(CMAKE_EXECUTABLE_SUFFIX_CXX ".nexe")

set(CMAKE_FIND_ROOT_PATH "${_zvm_bin}/sysroot")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(BUILD_SHARED_LIBS OFF CACHE BOOL "there are no shared libraries")
