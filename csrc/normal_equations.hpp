// Normal equations of a ridge on centred sparse features, by preconditioned conjugate gradients.
//
//   A = X - r mu'            X: n x d sparse, r: n roots of weights, mu: d means; never formed
//   normal_product           C = A'A P             P, C: panels x d x w
//   conjugate_descent        steps of (A'A + diag(a_j)) b_j = right side j, for all columns j
//
// Columns lie in panels of w = 128 bytes, one panel to a thread: a row of X is read once, its
// product stays in registers and is added to the panel at once, so nothing of n x m is held and no
// sum crosses threads. A column that is solved stands still, so its bits do not depend on its
// neighbours. The preconditioner is the diagonal of A'A + a_j. Preconditions: r'(A P) = 0, which
// holds for weighted means. Sums over d are in double. n = 0 or an empty row adds nothing.
// Cost: 4 nnz(X) w + O(d w) a step and panel. Source: Shewchuk (1994), B3.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "parallel.hpp"
#include "simd.hpp"
#include "views.hpp"

namespace nnae {

template <typename T>
constexpr std::int64_t panel_columns = 128 / static_cast<std::int64_t>(sizeof(T));

template <typename T, typename I>
struct Centred {
    Csr<T, I> X;
    const T *roots;
    const T *mean;
};

// State of the descent: every member is panels x d x w, or panels x w.
template <typename T>
struct Descent {
    T *solution, *residual, *direction;
    double *energy;          // residual' M^-1 residual of each column; below 0: solved
    const double *penalty;   // a_j
    const double *goal;      // norm of the residual at which a column is solved
    const double *diagonal;  // d: of A'A
    std::int64_t panels;
};

namespace detail {

template <typename T, typename I>
inline void panel_product(const Centred<T, I> &A, const T *P, T *C) {
    constexpr std::int64_t w = panel_columns<T>;
    constexpr int packs = static_cast<int>(w / lanes<T>);
    double sums[w] = {};
    for (std::int64_t j = 0; j < A.X.cols; ++j) {
        const double mean = static_cast<double>(A.mean[j]);
        for (std::int64_t c = 0; c < w; ++c) sums[c] += mean * static_cast<double>(P[j * w + c]);
    }
    T shift[w];
    for (std::int64_t c = 0; c < w; ++c) shift[c] = static_cast<T>(sums[c]);
    std::fill_n(C, A.X.cols * w, T(0));
    for (std::int64_t i = 0; i < A.X.rows; ++i) {
        Pack<T> row[packs];
        const Pack<T> root = broadcast(-A.roots[i]);
        for (int v = 0; v < packs; ++v) row[v] = root * load(shift + v * lanes<T>);
        for (std::int64_t at = A.X.begin(i); at < A.X.end(i); ++at) {
            const Pack<T> x = broadcast(A.X.value(at));
            const T *from = P + static_cast<std::int64_t>(A.X.indices[at]) * w;
            for (int v = 0; v < packs; ++v) row[v] += x * load(from + v * lanes<T>);
        }
        for (std::int64_t at = A.X.begin(i); at < A.X.end(i); ++at) {
            const Pack<T> x = broadcast(A.X.value(at));
            T *to = C + static_cast<std::int64_t>(A.X.indices[at]) * w;
            for (int v = 0; v < packs; ++v)
                store(to + v * lanes<T>, load(to + v * lanes<T>) + x * row[v]);
        }
    }
}

// sums[c] = sum_j a[j][c] b[j][c]
template <typename T>
inline void panel_dot(const T *a, const T *b, std::int64_t d, double *sums) {
    constexpr std::int64_t w = panel_columns<T>;
    std::fill_n(sums, w, 0.0);
    for (std::int64_t j = 0; j < d; ++j, a += w, b += w)
        for (std::int64_t c = 0; c < w; ++c)
            sums[c] += static_cast<double>(a[c]) * static_cast<double>(b[c]);
}

// One step of one panel; image is scratch, d x w. Returns whether a column is still unsolved.
template <typename T, typename I>
inline bool panel_step(const Centred<T, I> &A, const Descent<T> &state, std::int64_t q, T *image) {
    constexpr std::int64_t w = panel_columns<T>;
    const std::int64_t d = A.X.cols;
    T *x = state.solution + q * d * w, *r = state.residual + q * d * w;
    T *p = state.direction + q * d * w;
    double *energy = state.energy + q * w;
    const double *penalty = state.penalty + q * w, *goal = state.goal + q * w;
    panel_product(A, p, image);
    double curvature[w] = {}, norm[w] = {}, fresh[w] = {};
    for (std::int64_t j = 0; j < d; ++j)
        for (std::int64_t c = 0; c < w; ++c) {
            const T value = image[j * w + c] + static_cast<T>(penalty[c]) * p[j * w + c];
            image[j * w + c] = value;
            curvature[c] += static_cast<double>(value) * static_cast<double>(p[j * w + c]);
        }
    T length[w], keep[w];
    for (std::int64_t c = 0; c < w; ++c)
        length[c] =
            static_cast<T>(energy[c] > 0 && curvature[c] > 0 ? energy[c] / curvature[c] : 0);
    for (std::int64_t j = 0; j < d; ++j)
        for (std::int64_t c = 0; c < w; ++c) {
            const std::int64_t at = j * w + c;
            const double scale = state.diagonal[j] + penalty[c];
            x[at] += length[c] * p[at];
            r[at] -= length[c] * image[at];
            const double square = static_cast<double>(r[at]) * static_cast<double>(r[at]);
            norm[c] += square;
            fresh[c] += scale > 0 ? square / scale : 0;
        }
    bool open = false;
    for (std::int64_t c = 0; c < w; ++c) {
        const bool solved = energy[c] <= 0 || std::sqrt(norm[c]) <= goal[c];
        keep[c] = static_cast<T>(solved ? 0 : fresh[c] / energy[c]);
        energy[c] = solved ? -1 : fresh[c];
        open |= !solved;
    }
    for (std::int64_t j = 0; j < d; ++j)
        for (std::int64_t c = 0; c < w; ++c) {
            const std::int64_t at = j * w + c;
            const double scale = state.diagonal[j] + penalty[c];
            const T step = static_cast<T>(scale > 0 ? static_cast<double>(r[at]) / scale : 0);
            p[at] = step + keep[c] * p[at];
        }
    return open;
}

}  // namespace detail

template <typename T, typename I>
void normal_product(Centred<T, I> A, const T *P, std::int64_t panels, int n_threads, T *C) {
    const std::int64_t size = A.X.cols * panel_columns<T>;
    parallel_for(panels, 1, n_threads, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t q = begin; q < end; ++q)
            detail::panel_product(A, P + q * size, C + q * size);
    });
}

// scratch: n_threads x d x w; taken: the steps that each panel took.
template <typename T, typename I>
void conjugate_descent(Centred<T, I> A, Descent<T> state, std::int64_t steps, int n_threads,
                       T *scratch, std::int64_t *taken) {
    const std::int64_t size = A.X.cols * panel_columns<T>;
    parallel_for(state.panels, 1, n_threads, [&](std::int64_t begin, std::int64_t end, int thread) {
        for (std::int64_t q = begin; q < end; ++q) {
            const double *energy = state.energy + q * panel_columns<T>;
            bool open =
                std::any_of(energy, energy + panel_columns<T>, [](double e) { return e > 0; });
            taken[q] = 0;
            for (; open && taken[q] < steps; ++taken[q])
                open = detail::panel_step(A, state, q, scratch + thread * size);
        }
    });
}

}  // namespace nnae
