// Many L2-regularised linear classifiers at once, by dual coordinate descent.
//
//   min_w  |w|^2 / 2 + C sum_i c_i loss(y_i (w . x_i + b w_0)),  w_0 the bias, of the feature b
//   squared hinge  max(0, 1 - m)^2;   logistic  log(1 + exp(-m))
//
// X: n x d sparse. Problem p learns from the rows of its group (strictly rising); its positives are
// given as rows, all others of the group are negatives. Problems of one group lie side by side and
// are solved sixteen at a time: one visit of a row serves sixteen classifiers, so that every weight
// that is touched is a full vector. Rows are visited in random order from a counter-based generator
// (the same for every group); for the squared hinge a row leaves a classifier's active set where it
// cannot return soon, and the result is checked on all rows before it is final. Weights up to
// `threshold` in size are dropped; the bias is kept.
// Guarantees: a panel of sixteen is solved by one thread from its own input, so threads never
// change a bit. Empty groups and problems without positives have defined results.
// Cost: 2 nnz(group) 16 operations an epoch and panel; scratch 16 (n + d) a thread. Hsieh et al.
// (2008); Yu, Huang and Lin (2011) for the logistic dual, here solved for its logit.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <new>
#include <numeric>
#include <vector>

#include "dual_losses.hpp"
#include "dual_rows.hpp"
#include "parallel.hpp"
#include "rng.hpp"
#include "simd.hpp"
#include "views.hpp"

namespace nnae {

struct DualOptions {
    double penalty;    // C
    double bias;       // b, 0 for none
    double tolerance;  // largest spread of projected gradients
    double threshold;  // weights up to this are dropped
    std::int64_t max_epochs;
    std::uint64_t seed;
};

// Which rows each problem learns from; positives are rows of X, not places in the group.
struct DualProblems {
    const std::int64_t *group_indptr, *group_rows;
    const std::int64_t *problem_group;
    const std::int64_t *positive_indptr, *positive_rows;
    std::int64_t n_problems;
};

// Up to sixteen neighbouring problems of one group, and their weights by rising feature.
template <typename T>
struct DualPanel {
    std::int64_t first, count;
    std::vector<std::int64_t> sizes, indices;
    std::vector<T> values, biases;
};

namespace detail {

template <typename T, typename I>
struct DualScratch {
    DualRows<T, I> rows;
    std::vector<T> W, state, curvature, cost;
    std::vector<std::uint16_t> signs, active;
    std::vector<std::int64_t> order;
    std::vector<I> place;
};

template <typename T>
constexpr int kPacks = kLanes / lanes<T>;

template <typename T, typename I>
inline void panel_margins(const T *W, const T *bias, T bias_value, const I *indices,
                          const T *values, std::int64_t count, T *margins) {
    Pack<T> even[kPacks<T>], odd[kPacks<T>] = {};
    for (int v = 0; v < kPacks<T>; ++v) even[v] = broadcast(bias_value) * load(bias + v * lanes<T>);
    std::int64_t at = 0;
    for (; at + 1 < count; at += 2) {
        const T *a = W + static_cast<std::int64_t>(indices[at]) * kLanes;
        const T *b = W + static_cast<std::int64_t>(indices[at + 1]) * kLanes;
        for (int v = 0; v < kPacks<T>; ++v) {
            even[v] += broadcast(values[at]) * load(a + v * lanes<T>);
            odd[v] += broadcast(values[at + 1]) * load(b + v * lanes<T>);
        }
    }
    if (at < count) {
        const T *a = W + static_cast<std::int64_t>(indices[at]) * kLanes;
        for (int v = 0; v < kPacks<T>; ++v)
            even[v] += broadcast(values[at]) * load(a + v * lanes<T>);
    }
    for (int v = 0; v < kPacks<T>; ++v) store(margins + v * lanes<T>, even[v] + odd[v]);
}

template <typename T>
inline void add_lanes(T *to, T value, const Pack<T> *step) {
    for (int v = 0; v < kPacks<T>; ++v)
        store(to + v * lanes<T>, load(to + v * lanes<T>) + broadcast(value) * step[v]);
}

// Returns after convergence of every lane or max_epochs.
template <typename Loss, typename T, typename I>
void solve_panel(DualScratch<T, I> &s, std::int64_t n, std::int64_t count, std::int64_t d,
                 const DualOptions &options) {
    const T b = static_cast<T>(options.bias);
    T *bias = s.W.data() + d * kLanes;
    const unsigned all = (1u << count) - 1u;
    unsigned open = all, live = all;  // not final; not waiting for the others
    bool full = true;                 // this epoch sees every row
    DualLanes<T> lane;
    lane.reset();
    std::iota(s.order.begin(), s.order.end(), std::int64_t(0));
    std::fill(s.active.begin(), s.active.end(), static_cast<std::uint16_t>(all));
    std::int64_t size = n;
    for (std::int64_t epoch = 0; epoch < options.max_epochs && open; ++epoch) {
        const CounterRng random{mix(options.seed + static_cast<std::uint64_t>(epoch))};
        for (std::int64_t at = 0; at + 1 < size; ++at)
            std::swap(s.order[at],
                      s.order[at + random.below(static_cast<std::uint64_t>(at), size - at)]);
        lane.begin_epoch();
        for (std::int64_t at = 0; at < size;) {
            const std::int64_t r = s.order[at];
            const std::int64_t begin = s.rows.begins[r], entries = s.rows.ends[r] - begin;
            const I *indices = s.rows.indices + begin;
            const T *values = s.rows.values + begin;
            T margins[kLanes], delta[kLanes];
            panel_margins(s.W.data(), bias, b, indices, values, entries, margins);
            const unsigned now = s.active[r] & live;
            const unsigned dropped = Loss::step(margins, s.signs[r], now, s.curvature[r], s.cost[r],
                                                s.state.data() + r * kLanes, lane, delta);
            if (lane.moved) {
                Pack<T> step[kPacks<T>];
                for (int v = 0; v < kPacks<T>; ++v) step[v] = load(delta + v * lanes<T>);
                for (std::int64_t e = 0; e < entries; ++e)
                    add_lanes(s.W.data() + static_cast<std::int64_t>(indices[e]) * kLanes,
                              values[e], step);
                add_lanes(bias, b, step);
            }
            s.active[r] = static_cast<std::uint16_t>(s.active[r] & ~dropped);
            if (s.active[r] & live)
                ++at;
            else
                std::swap(s.order[at], s.order[--size]);
        }
        const unsigned settled = lane.end_epoch(static_cast<T>(options.tolerance)) & live;
        if (full) open &= ~settled;
        full = false;
        live &= ~settled;
        if (open && !live) {  // all agree on their active rows: look at every row again
            live = open;
            full = true;
            size = n;
            lane.reset();
            std::fill(s.active.begin(), s.active.end(), static_cast<std::uint16_t>(all));
        }
    }
}

template <typename Loss, typename T, typename I>
void train_panel(const Csr<T, I> &X, const double *weights, const DualProblems &problems,
                 const DualOptions &options, DualScratch<T, I> &s, DualPanel<T> &panel) {
    const std::int64_t group = problems.problem_group[panel.first];
    const std::int64_t *rows = problems.group_rows + problems.group_indptr[group];
    const std::int64_t n = problems.group_indptr[group + 1] - problems.group_indptr[group];
    if (n == X.rows) {
        s.rows.take_all(X);
    } else {
        s.place.resize(static_cast<std::size_t>(X.cols), I(-1));
        s.rows.take(X, rows, n, s.place);
    }
    const std::vector<std::int64_t> &columns = s.rows.columns;
    const std::int64_t d = n == X.rows ? X.cols : static_cast<std::int64_t>(columns.size());
    s.W.assign(static_cast<std::size_t>((d + 1) * kLanes), T(0));
    s.state.assign(static_cast<std::size_t>(n * kLanes), Loss::template start<T>());
    s.signs.assign(static_cast<std::size_t>(n), 0);
    s.active.resize(static_cast<std::size_t>(n));
    s.order.resize(static_cast<std::size_t>(n));
    s.curvature.resize(static_cast<std::size_t>(n));
    s.cost.resize(static_cast<std::size_t>(n));
    for (std::int64_t r = 0; r < n; ++r) {
        double norm = options.bias * options.bias;
        for (std::int64_t at = s.rows.begins[r]; at < s.rows.ends[r]; ++at)
            norm += static_cast<double>(s.rows.values[at]) * static_cast<double>(s.rows.values[at]);
        s.curvature[r] = static_cast<T>(norm);
        s.cost[r] = static_cast<T>(options.penalty * (weights ? weights[rows[r]] : 1.0));
    }
    for (std::int64_t l = 0; l < panel.count; ++l) {
        const std::int64_t p = panel.first + l;
        for (std::int64_t at = problems.positive_indptr[p]; at < problems.positive_indptr[p + 1];
             ++at) {
            const std::int64_t *found =
                std::lower_bound(rows, rows + n, problems.positive_rows[at]);
            if (found < rows + n && *found == problems.positive_rows[at])
                s.signs[found - rows] |= static_cast<std::uint16_t>(1u << l);
        }
    }
    solve_panel<Loss>(s, n, panel.count, d, options);

    std::vector<std::int64_t> &by_feature = s.order;
    by_feature.resize(static_cast<std::size_t>(d));
    std::iota(by_feature.begin(), by_feature.end(), std::int64_t(0));
    if (n != X.rows)
        std::sort(by_feature.begin(), by_feature.end(),
                  [&](std::int64_t a, std::int64_t c) { return columns[a] < columns[c]; });
    for (std::int64_t l = 0; l < panel.count; ++l) {
        const std::size_t before = panel.indices.size();
        for (const std::int64_t column : by_feature) {
            const T w = s.W[static_cast<std::size_t>(column * kLanes + l)];
            if (w == 0 || !(std::abs(w) > options.threshold)) continue;
            panel.indices.push_back(n == X.rows ? column : columns[column]);
            panel.values.push_back(w);
        }
        panel.sizes.push_back(static_cast<std::int64_t>(panel.indices.size() - before));
        panel.biases.push_back(s.W[static_cast<std::size_t>(d * kLanes + l)] *
                               static_cast<T>(options.bias));
    }
}

}  // namespace detail

// Fills the panels, in the order of problems; weights is one cost a row of X, or null.
template <typename Loss, typename T, typename I>
void linear_dual(const Csr<T, I> &X, const double *weights, const DualProblems &problems,
                 const DualOptions &options, int n_threads, std::vector<DualPanel<T>> &panels) {
    panels.clear();
    for (std::int64_t p = 0; p < problems.n_problems; ++p) {
        const bool joins = !panels.empty() && panels.back().count < detail::kLanes &&
                           problems.problem_group[p] == problems.problem_group[p - 1];
        if (joins)
            ++panels.back().count;
        else
            panels.push_back({p, 1, {}, {}, {}, {}});
    }
    const std::int64_t n_panels = static_cast<std::int64_t>(panels.size());
    std::vector<detail::DualScratch<T, I>> scratch(static_cast<std::size_t>(n_threads));
    std::atomic<bool> failed{false};
    parallel_for(n_panels, 1, n_threads, [&](std::int64_t begin, std::int64_t, int thread) {
        try {
            detail::train_panel<Loss>(X, weights, problems, options, scratch[thread],
                                      panels[begin]);
        } catch (const std::bad_alloc &) {
            failed = true;
        }
    });
    if (failed) throw std::bad_alloc();
}

}  // namespace nnae
