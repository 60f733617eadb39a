// Threads: the only file that includes omp.h.
//
//   parallel_for(n, chunk, n_threads, body)     body(begin, end, thread) on chunks of [0, n)
//   chunk_count(n, chunk)                       how many chunks there are
//
// Chunks have a fixed size that does not depend on the number of threads. A body writes rows of its
// own, or one slot per chunk that the caller adds up in chunk order: so one, two or seven threads
// give the same bits. thread is in [0, n_threads) and picks scratch memory that the caller
// allocated: nothing may throw inside a body. A forked child of a process that has run a parallel
// region would wait for ever for threads that do not exist: it runs on one thread instead.
// NNAE_STD_THREADS takes threads of the standard library, which the thread sanitiser can follow; it
// cannot see how OpenMP's wait for each other.
#pragma once

#include <algorithm>
#include <cstdint>

#ifdef NNAE_STD_THREADS
#include <atomic>
#include <thread>
#include <vector>
#elif defined(_OPENMP)
#include <omp.h>
#endif
#ifndef _WIN32
#include <unistd.h>
#endif

namespace nnae {

inline std::int64_t chunk_count(std::int64_t n, std::int64_t chunk) {
    return n <= 0 ? 0 : (n + chunk - 1) / chunk;
}

namespace detail {

inline bool in_forked_child() {
#ifdef _WIN32
    return false;
#else
    static const pid_t home = getpid();
    return getpid() != home;
#endif
}

}  // namespace detail

inline int max_threads() {
#ifdef NNAE_STD_THREADS
    return 2;
#elif defined(_OPENMP)
    return detail::in_forked_child() ? 1 : omp_get_max_threads();
#else
    return 1;
#endif
}

template <typename Body>
void parallel_for(std::int64_t n, std::int64_t chunk, int n_threads, Body body) {
    const std::int64_t chunks = chunk_count(n, chunk);
#ifdef NNAE_STD_THREADS
    if (n_threads > 1 && chunks > 1) {
        std::atomic<std::int64_t> next{0};
        std::vector<std::thread> others;
        const auto work = [&](int thread) {
            for (std::int64_t c = next++; c < chunks; c = next++)
                body(c * chunk, std::min(n, (c + 1) * chunk), thread);
        };
        for (int thread = 1; thread < n_threads; ++thread) others.emplace_back(work, thread);
        work(0);
        for (auto &other : others) other.join();
        return;
    }
#elif defined(_OPENMP)
    if (n_threads > 1 && chunks > 1 && !detail::in_forked_child()) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(n_threads)
        for (std::int64_t c = 0; c < chunks; ++c)
            body(c * chunk, std::min(n, (c + 1) * chunk), omp_get_thread_num());
        return;
    }
#endif
    for (std::int64_t c = 0; c < chunks; ++c) body(c * chunk, std::min(n, (c + 1) * chunk), 0);
}

}  // namespace nnae
