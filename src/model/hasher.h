// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nettle/sha2.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace mdvt {

// SHA-256 of what is added, in 64 lower-case hexadecimal digits.
class Hasher {
 public:
  Hasher() { sha256_init(&context_); }
  void Add(const void* data, size_t size) {
    sha256_update(&context_, size, static_cast<const uint8_t*>(data));
  }
  std::string Result() {
    std::array<uint8_t, SHA256_DIGEST_SIZE> digest;
    sha256_digest(&context_, digest.size(), digest.data());
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const uint8_t byte : digest) {
      text += kDigits[byte >> 4];
      text += kDigits[byte & 15];
    }
    return text;
  }

 private:
  sha256_ctx context_;
};

}  // namespace mdvt
