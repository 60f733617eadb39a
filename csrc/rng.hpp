// Random numbers that are a function of a key and a counter, not of what was drawn before.
//
//   mix(x)                 64 bits from 64 bits, the finaliser of splitmix64
//   CounterRng{key}.below(i, n)    the i-th number, in [0, n)
//
// The same key and counter give the same number on any thread and machine. Numbers below n are
// taken from the upper bits of a product (bias below n / 2^32). Preconditions: 0 < n < 2^32.
#pragma once

#include <cstdint>

namespace nnae {

inline std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

struct CounterRng {
    std::uint64_t key;
    std::int64_t below(std::uint64_t counter, std::int64_t n) const {
        const std::uint64_t bits = mix(key + counter * 0xd1342543de82ef95ULL) >> 32;
        return static_cast<std::int64_t>((bits * static_cast<std::uint64_t>(n)) >> 32);
    }
};

}  // namespace nnae
