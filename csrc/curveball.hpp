// Shuffles sparse 0/1 labels, keeping how many labels a row has and how many rows a label has.
//
//   one round: rows are paired at random; each pair trades the labels that only one of the two has
//
// A trade deals those labels out anew, as many to either row as it had ("global curveball": every
// row takes part once a round). Pairs of a round share no row, so threads trade without meeting.
// indices holds the rows' labels, sorted, and is changed in place; indptr stays. Numbers come from
// a counter keyed by seed, round and row, so threads never change a bit. Preconditions: rows
// sorted, without repeats. Guarantees: margins of rows and labels are kept exactly, rows stay
// sorted. Cost: non-zeros a round. Source: Carstens, Hamann, Meyer, Penschuck, Tran and Wagner
// (2018); Strona et al. (2014).
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "parallel.hpp"
#include "rng.hpp"

namespace nnae {

namespace detail {

template <typename I>
struct TradeScratch {
    std::vector<I> pool, first, second;
};

template <typename I>
inline void trade(I *a, std::int64_t n_a, I *b, std::int64_t n_b, CounterRng rng,
                  TradeScratch<I> &scratch) {
    auto &pool = scratch.pool;
    auto &first = scratch.first;
    auto &second = scratch.second;
    pool.clear();
    first.clear();
    second.clear();
    std::int64_t i = 0, j = 0, wanted = 0;
    while (i < n_a || j < n_b) {
        if (j == n_b || (i < n_a && a[i] < b[j])) {
            pool.push_back(a[i++]);
            ++wanted;
        } else if (i == n_a || b[j] < a[i]) {
            pool.push_back(b[j++]);
        } else {
            first.push_back(a[i++]);
            second.push_back(b[j++]);
        }
    }
    const std::int64_t size = static_cast<std::int64_t>(pool.size());
    if (wanted == 0 || wanted == size) return;
    for (std::int64_t k = 0; k < wanted; ++k) {
        const std::int64_t other = k + rng.below(static_cast<std::uint64_t>(k), size - k);
        std::swap(pool[static_cast<std::size_t>(k)], pool[static_cast<std::size_t>(other)]);
    }
    first.insert(first.end(), pool.begin(), pool.begin() + wanted);
    second.insert(second.end(), pool.begin() + wanted, pool.end());
    std::sort(first.begin(), first.end());
    std::sort(second.begin(), second.end());
    std::copy(first.begin(), first.end(), a);
    std::copy(second.begin(), second.end(), b);
}

}  // namespace detail

template <typename I>
void curveball(const I *indptr, I *indices, std::int64_t rows, std::int64_t rounds,
               std::uint64_t seed, int n_threads) {
    std::int64_t longest = 0;
    for (std::int64_t i = 0; i < rows; ++i)
        longest = std::max(longest, static_cast<std::int64_t>(indptr[i + 1] - indptr[i]));
    std::vector<detail::TradeScratch<I>> scratch(static_cast<std::size_t>(std::max(n_threads, 1)));
    for (auto &own : scratch) {
        own.pool.reserve(static_cast<std::size_t>(2 * longest));
        own.first.reserve(static_cast<std::size_t>(longest));
        own.second.reserve(static_cast<std::size_t>(longest));
    }
    std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
    for (std::int64_t i = 0; i < rows; ++i) order[static_cast<std::size_t>(i)] = i;
    for (std::int64_t round = 0; round < rounds; ++round) {
        const std::uint64_t key = mix(seed ^ mix(static_cast<std::uint64_t>(round)));
        const CounterRng pairing{key};
        for (std::int64_t i = rows - 1; i > 0; --i)
            std::swap(order[static_cast<std::size_t>(i)],
                      order[static_cast<std::size_t>(
                          pairing.below(static_cast<std::uint64_t>(i), i + 1))]);
        parallel_for(rows / 2, 256, n_threads,
                     [&](std::int64_t begin, std::int64_t end, int thread) {
                         for (std::int64_t p = begin; p < end; ++p) {
                             const std::int64_t a = order[static_cast<std::size_t>(2 * p)];
                             const std::int64_t b = order[static_cast<std::size_t>(2 * p + 1)];
                             const CounterRng rng{mix(key + static_cast<std::uint64_t>(p) + 1)};
                             detail::trade(indices + indptr[a], indptr[a + 1] - indptr[a],
                                           indices + indptr[b], indptr[b + 1] - indptr[b], rng,
                                           scratch[static_cast<std::size_t>(thread)]);
                         }
                     });
    }
}

}  // namespace nnae
