// The user manifest: channel records, names and one record below the stack, read-only for the
// guest. Layout: docs/abi.md §2.3. A second session that gets the same bytes costs a comparison.
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "sandbox/address_space.h"
#include "sandbox/window_access.h"

namespace zvm {
namespace {

bool Copy(uint64_t address, const void* data, size_t size) {
  std::memcpy(WindowHost(address), data, size);
  return true;
}

bool Same(uint64_t address, const void* data, size_t size) {
  return std::memcmp(WindowHost(address), data, size) == 0;
}

}  // namespace

Failure AddressSpace::PlaceManifest(const ChannelTable& channels, ManifestPlace* place) const {
  const size_t count = channels.count();
  ZVM_CHECK(count <= ZVM_CHANNELS_MAX);
  uint64_t names_size = 0;
  for (size_t i = 0; i < count; ++i) {
    names_size += channels.view(i).alias.size() + 1;
  }
  place->array = ZVM_USER_MANIFEST_POINTER - uint64_t{sizeof(zvm_channel_record)} * count;
  place->record = place->array - sizeof(zvm_user_manifest);
  const uint64_t break_page = RoundUpMapPage(break_);
  if (names_size > place->record - break_page ||
      place->record - names_size < break_page + ZVM_MAP_PAGE_SIZE_BYTES) {
    return MakeFailure(ENOMEM, "memory-manifest-too-large", "no room for the user manifest");
  }
  place->names = place->record - names_size;
  return {};
}

// `put(address, data, size)` gets every byte of the manifest; the first false ends it.
template <class Put>
bool AddressSpace::PutManifest(const ChannelTable& channels, const ManifestPlace& place,
                               Put put) const {
  const size_t count = channels.count();
  uint64_t name = place.record;
  for (size_t i = 0; i < count; ++i) {
    const ChannelView view = channels.view(i);
    name -= view.alias.size() + 1;
    const zvm_channel_record record = {
        view.limits.reads, view.limits.read_bytes,        view.limits.writes,
        view.limits.write_bytes, view.start_size_bytes, static_cast<uint32_t>(view.type),
        static_cast<uint32_t>(name)};
    if (!put(name, view.alias.data(), view.alias.size()) ||
        !put(name + view.alias.size(), "", 1) ||
        !put(place.array + i * sizeof record, &record, sizeof record)) {
      return false;
    }
  }
  const zvm_user_manifest record = {
      static_cast<uint32_t>(break_), static_cast<uint32_t>(heap_.end - break_),
      ZVM_STACK_SIZE_BYTES, static_cast<int32_t>(count), static_cast<uint32_t>(place.array)};
  const auto pointer = static_cast<uint32_t>(place.record);
  return put(place.record, &record, sizeof record) &&
         put(ZVM_USER_MANIFEST_POINTER, &pointer, sizeof pointer);
}

// Makes [page, stack) writable and empty, the end of the heap fit, and what an earlier session's
// larger manifest had below inaccessible.
bool AddressSpace::OpenManifest(uint64_t page) {
  const uint64_t before = manifest_.start;
  const uint64_t heap_end = std::min(heap_limit_, page);
  if (!ProtectWindow(std::min(before, page), ZVM_STACK_START, PROT_READ | PROT_WRITE)) {
    return false;
  }
  // SAFETY: a session must not find names of the one before.
  std::memset(WindowHost(before), 0, ZVM_STACK_START - before);
  if (before < page && heap_end < page &&
      !DropWindow(std::max(before, heap_end), page)) {
    return false;
  }
  generation_ += before != page;
  heap_.end = heap_end;
  manifest_ = {page, ZVM_STACK_START, kRightRead};
  return true;
}

Failure AddressSpace::WriteUserManifest(const ChannelTable& channels) {
  ManifestPlace place;
  if (Failure failure = PlaceManifest(channels, &place); failure.failed()) {
    return failure;
  }
  if (place == manifest_place_ && PutManifest(channels, place, Same)) {
    return {};
  }
  if (!OpenManifest(place.page())) {
    return MakeFailure(errno, "window-map-failed", "cannot open the user manifest");
  }
  manifest_place_ = place;
  PutManifest(channels, place, Copy);
  if (!ProtectWindow(manifest_.start, manifest_.end, PROT_READ)) {
    return MakeFailure(errno, "window-map-failed", "cannot close the user manifest");
  }
  Describe();
  return {};
}

}  // namespace zvm
