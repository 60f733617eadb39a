// Coordinate descent on the rows of a factor under Kullback-Leibler or Bernoulli loss.
//
//   min over F_i >= 0 of  sum_p s_p F_ip + sum_j term(P_ij, r_ij),   r_ij = F_i . H_j at non-zeros
//                         (+ l1 sum(f) + l2/2 |f|^2)
//   s = column sums of H,   P: n x m sparse, F: n x k (updated), H: m x k
//
// The rates of one row are kept in double while its coordinates move; memory is a few numbers per
// non-zero of one row a thread, never nnz x k. A pass begins with the slopes of all coordinates,
// one stream over the row's rows of H; coordinates at the floor that want to stay there are not
// visited, and most are such. A step to the right is Newton's, which cannot overshoot here (the
// curvature falls with the rate). A step to the left is Newton's when the objective confirms it (on
// the way to the floor: when the slope there is not negative, or a label would lose its rate and
// need many steps to regain it), else the multiplicative step, which never raises it; a step that
// is small beside every rate needs no proof. Repeats as in coordinate_descent.hpp. Guarantees: the
// objective never rises; rows are independent, so threads never change a bit. Rows without
// non-zeros go to the floor. A row that is all floor starts anew from equal codes of the right
// total mass, because Newton steps from a vanishing rate only double it. Cost: 2 nnz k a pass and a
// few operations per non-zero and visited coordinate. Hsieh and Dhillon (2011) for Newton steps by
// coordinates; the guard on the left step is our own.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "coordinate_descent.hpp"
#include "losses.hpp"
#include "parallel.hpp"
#include "sparse_ops.hpp"
#include "views.hpp"

namespace nnae {

namespace detail {

// Scratch of one thread, sized by the longest row. What fills up the last vector register is a
// non-zero of value zero that no coordinate touches: short rows are most rows, and a loop over the
// rest of a vector would cost them more than the vector does.
template <typename T>
struct RowRates {
    std::vector<double> y, rate, ratio, curvature, weights;  // m each
    std::vector<T> slopes;                                   // k
    void reserve(std::int64_t m, std::int64_t k) {
        for (auto *of : {&y, &rate, &ratio, &curvature, &weights})
            of->resize(static_cast<std::size_t>(whole_vectors<double>(m)));
        slopes.resize(static_cast<std::size_t>(k));
    }
};

template <typename Loss, typename T>
inline void refresh(RowRates<T> &row, std::int64_t m) {
    const double *y = row.y.data(), *rate = row.rate.data();
    double *ratio = row.ratio.data(), *curvature = row.curvature.data();
    m = in_whole_vectors<double>(m);
#pragma omp simd
    for (std::int64_t a = 0; a < m; ++a) {
        const Derivatives at = Loss::template derivatives<T>(y[a], rate[a]);
        ratio[a] = at.ratio;
        curvature[a] = at.curvature;
    }
}

template <typename Loss, typename T>
inline double change_of_terms(const RowRates<T> &row, const double *w, double step,
                              std::int64_t m) {
    const double *y = row.y.data(), *rate = row.rate.data();
    double sum = 0;
    m = in_whole_vectors<double>(m);
#pragma omp simd reduction(+ : sum)
    for (std::int64_t a = 0; a < m; ++a)
        sum += Loss::rise(y[a], rate[a], std::max(rate[a] + step * w[a], 0.0));
    return sum;
}

// A step to the right, but no further than where every rate that it moves is beyond all use.
// Without this bound a row that has every label of a concept would send its code to infinity under
// the Bernoulli loss. A weight that is nothing beside the largest does not count: floored weights
// would let the code grow to one over the floor.
template <typename Loss, typename T>
inline double useful_step(const RowRates<T> &row, const double *w, double step, double floor,
                          std::int64_t m) {
    if constexpr (Loss::useful_rate == std::numeric_limits<double>::infinity()) return step;
    double most = floor, room = 0;
    m = in_whole_vectors<double>(m);
#pragma omp simd reduction(max : most)
    for (std::int64_t a = 0; a < m; ++a) most = std::max(most, w[a]);
    for (std::int64_t a = 0; a < m; ++a) {
        if (!(w[a] > floor && w[a] > 1e-7 * most)) continue;
        if (row.rate[a] + step * w[a] <= Loss::useful_rate) return step;
        room = std::max(room, (Loss::useful_rate - row.rate[a]) / w[a]);
    }
    return std::min(step, room);
}

// Slope of the objective along coordinate p after a step. What is left of a rate after a step that
// takes all of it is rounding: it counts as a small share, lest the rounding decide.
template <typename Loss, typename T>
inline double slope_after(const RowRates<T> &row, const double *w, double slope, double step,
                          std::int64_t m) {
    const double *y = row.y.data(), *rate = row.rate.data();
    constexpr double tiny = 1e-14;
    double pull = 0;
    m = in_whole_vectors<double>(m);
#pragma omp simd reduction(+ : pull)
    for (std::int64_t a = 0; a < m; ++a)
        pull += w[a] *
                Loss::template derivatives<T>(y[a], std::max(rate[a] + step * w[a], tiny * rate[a]))
                    .ratio;
    return slope - pull;
}

// Whether a step to the left takes at most half of every rate, and at most half of the length over
// which the curvature can change. Newton's step, or a part of it, then lowers the objective: with
// t <= 1/2 the share taken, -log(1 - t) - t < t^2, and the curvature under Bernoulli grows by at
// most 7 % more than that of a logarithm.
template <typename Loss, typename T>
inline bool is_gentle(const RowRates<T> &row, const double *w, double step, std::int64_t m) {
    const double *rate = row.rate.data();
    double worst = 0;
    m = in_whole_vectors<double>(m);
#pragma omp simd reduction(max : worst)
    for (std::int64_t a = 0; a < m; ++a)
        worst = std::max(worst, -step * w[a] - 0.5 * std::min(rate[a], Loss::curvature_length));
    return worst <= 0;
}

// What a coordinate costs by itself: slope * f + bend/2 * f^2.
struct OwnCost {
    double slope, bend;
    double at(double f) const { return slope + bend * f; }
    double change(double f, double moved) const {
        return (moved - f) * (slope + bend * (f + moved) / 2);
    }
    // Least own cost - pulled log f: the multiplicative step, with the pull of all labels on f.
    double balance(double pulled) const {
        return 2 * pulled / (slope + std::sqrt(slope * slope + 4 * bend * pulled));
    }
};

// Moves one coordinate of a row whose weights have been gathered; returns the change.
template <typename Loss, typename T>
inline double move_coordinate(RowRates<T> &row, std::int64_t m, OwnCost own, double f,
                              double floor) {
    const double *w = row.weights.data(), *ratio = row.ratio.data(), *bend = row.curvature.data();
    double pull = 0, curvature = own.bend;
    m = in_whole_vectors<double>(m);
#pragma omp simd reduction(+ : pull, curvature)
    for (std::int64_t a = 0; a < m; ++a) {
        pull += ratio[a] * w[a];
        curvature += bend[a] * w[a] * w[a];
    }
    const double gradient = own.at(f) - pull;
    if (f <= floor && gradient >= 0) return 0;
    double moved = curvature > 0 ? f - gradient / curvature : (gradient > 0 ? 0 : f);
    moved = std::max(moved, floor);
    if (moved > f) moved = f + useful_step<Loss>(row, w, moved - f, floor, m);
    if (gradient > 0 && m > 0 && !is_gentle<Loss>(row, w, moved - f, m)) {
        const double step = moved - f;
        const bool confirmed =
            moved > floor ? own.change(f, moved) + change_of_terms<Loss>(row, w, step, m) <= 0
                          : slope_after<Loss>(row, w, own.at(moved), step, m) >= 0;
        if (!confirmed) moved = std::max(floor, own.balance(f * pull));
    }
    const double change = moved - f;
    if (change == 0) return 0;
    double *rate = row.rate.data();
#pragma omp simd
    for (std::int64_t a = 0; a < m; ++a) rate[a] = std::max(rate[a] + change * w[a], 0.0);
    refresh<Loss>(row, m);
    return change;
}

// The linear cost of a concept nearly cancels the pull of a label that it alone explains: sums
// rounded to single precision would send such a weight to infinity.
template <typename T>
inline double sum_of(const CoordinateOptions<T> &options, std::int64_t p) {
    return options.sums ? options.sums[p] : static_cast<double>(options.denominator.data[p]);
}

template <typename T>
inline CoordinateOptions<T> options_of_row(const CoordinateOptions<T> &options, std::int64_t i) {
    CoordinateOptions<T> own = options;
    if (own.sums) own.sums += i * own.sums_stride;
    return own;
}

// Lifts a row to the floor, and to equal positive codes when it is nowhere above it.
template <typename T, typename I>
inline void start_if_empty(Csr<T, I> P, std::int64_t i, const CoordinateOptions<T> &options,
                           std::int64_t k, T *f) {
    bool alive = false;
    for (std::int64_t p = 0; p < k; ++p) {
        alive |= f[p] > options.floor;
        f[p] = std::max(f[p], options.floor);
    }
    if (alive || P.begin(i) == P.end(i)) return;
    double mass = 0, sums = 0;
    for (std::int64_t at = P.begin(i); at < P.end(i); ++at)
        mass += static_cast<double>(P.value(at));
    for (std::int64_t p = 0; p < k; ++p) sums += sum_of(options, p);
    const double equal = sums > 0 ? mass / sums : 0;
    std::fill_n(f, k, std::max(static_cast<T>(equal), options.floor));
}

// Sets targets and rates of row i of P.
template <typename Loss, typename T, typename I>
inline void gather_rates(Csr<T, I> P, std::int64_t i, Matrix<const T> H, const T *f,
                         RowRates<T> &row) {
    const std::int64_t m = P.end(i) - P.begin(i);
    for (std::int64_t a = 0; a < m; ++a) {
        const std::int64_t at = P.begin(i) + a;
        const T *h = H.row(static_cast<std::int64_t>(P.indices[at]));
        row.y[static_cast<std::size_t>(a)] = static_cast<double>(P.value(at));
        row.rate[static_cast<std::size_t>(a)] = static_cast<double>(dot(f, h, H.cols));
    }
    const std::int64_t whole = whole_vectors<double>(m);
    for (std::int64_t a = m; a < whole; ++a) {
        row.y[static_cast<std::size_t>(a)] = row.weights[static_cast<std::size_t>(a)] = 0;
        row.rate[static_cast<std::size_t>(a)] = 1;
    }
    refresh<Loss>(row, whole);
}

// One pass over the coordinates of row i; returns the largest move.
template <typename Loss, typename T, typename I>
inline double pass_over_row(Csr<T, I> P, std::int64_t i, Matrix<const T> H,
                            const CoordinateOptions<T> &options, RowRates<T> &row, T *f) {
    const std::int64_t k = H.cols, m = P.end(i) - P.begin(i), whole = whole_vectors<double>(m);
    const I *columns = P.indices + P.begin(i);
    const double floor = static_cast<double>(options.floor);
    const double l1 = static_cast<double>(options.l1), l2 = static_cast<double>(options.l2);
    T *slopes = row.slopes.data();
    double *w = row.weights.data(), largest = 0;
    for (std::int64_t p = 0; p < k; ++p)
        slopes[p] = static_cast<T>(sum_of(options, p) + l1) + options.l2 * f[p];
    for (std::int64_t a = 0; a < m; ++a)
        add_scaled(slopes, static_cast<T>(-row.ratio[static_cast<std::size_t>(a)]),
                   H.row(static_cast<std::int64_t>(columns[a])), k);
    for (std::int64_t p = 0; p < k; ++p) {
        const double before = static_cast<double>(f[p]);
        if (before <= floor && slopes[p] >= 0) continue;
        for (std::int64_t a = 0; a < m; ++a)
            w[a] = static_cast<double>(H.row(static_cast<std::int64_t>(columns[a]))[p]);
        const OwnCost own{sum_of(options, p) + l1, l2};
        const double change = move_coordinate<Loss>(row, whole, own, before, floor);
        f[p] = std::max(options.floor, static_cast<T>(before + change));
        largest = std::max(largest, std::abs(change));
    }
    return largest;
}

}  // namespace detail

template <typename Loss, typename T, typename I>
void rate_step(Csr<T, I> P, Matrix<const T> H, const CoordinateOptions<T> &options, Matrix<T> F) {
    const std::int64_t k = F.cols;
    std::int64_t longest = 0;
    for (std::int64_t i = 0; i < P.rows; ++i) longest = std::max(longest, P.end(i) - P.begin(i));
    std::vector<detail::RowRates<T>> rows(static_cast<std::size_t>(std::max(options.n_threads, 1)));
    for (auto &row : rows) row.reserve(longest, k);
    parallel_for(P.rows, 16, options.n_threads, [&](std::int64_t begin, std::int64_t end, int t) {
        detail::RowRates<T> &row = rows[static_cast<std::size_t>(t)];
        for (std::int64_t i = begin; i < end; ++i) {
            T *f = F.row(i);
            const CoordinateOptions<T> own = detail::options_of_row(options, i);
            detail::start_if_empty(P, i, own, k, f);
            if (P.begin(i) == P.end(i)) {
                std::fill_n(f, k, options.floor);
                continue;
            }
            detail::gather_rates<Loss>(P, i, H, f, row);
            double first = 0;
            for (int pass = 0; pass < options.repeats; ++pass) {
                const double largest = detail::pass_over_row<Loss>(P, i, H, own, row, f);
                if (pass == 0) first = largest;
                if (largest <= static_cast<double>(options.tolerance) * first) break;
            }
        }
    });
}

}  // namespace nnae
