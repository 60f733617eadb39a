// Beam search for labels down trees of sparse linear classifiers.
//
//   P[i,j] = mean over trees of exp(sum over the path to label j of log g(w . x_i + b))
//   squared hinge  log g(m) = -max(0, 1 - m)^2;   logistic  log g(m) = -log(1 + exp(-m))
//
// X: n x d sparse, columns of a row rising. Edge e leads from a node to child[e]: another node, or
// label -1 - child[e]. Edges of a node are neighbours. Its classifiers are kept by feature: one
// sorted list of the features that any of them uses, and for each the edges (counted from the
// node's first) with their weights. A row and a node are matched by galloping through both sorted
// lists, so that a visit costs nnz(x) log(features / nnz(x)) and the weights that are met.
// From level to level the `beam` best nodes are kept, equal scores by node; labels are taken where
// they are reached, and a label that no tree reaches has no score.
// Guarantees: a row's result depends on that row alone, so threads never change a bit. Scratch:
// L + beam times the largest number of edges a thread. Prabhu et al. (2018), Parabel.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "parallel.hpp"
#include "topk.hpp"
#include "views.hpp"

namespace nnae {

// Arrays that somebody else owns; float, as they are stored.
struct LabelForest {
    const std::int64_t *edge_indptr;     // nodes + 1
    const std::int64_t *child;           // edges
    const float *bias;                   // edges
    const std::int64_t *feature_indptr;  // nodes + 1
    const std::int32_t *features;        // rising inside a node
    const std::int64_t *entry_indptr;    // features + 1
    const std::int32_t *entry_edge;      // counted from the node's first edge
    const float *entry_weight;
    const std::int64_t *roots;
    std::int64_t n_nodes, n_roots, n_labels, most_edges;
};

struct HingeLink {
    template <typename T>
    static T log_share(T margin) {
        const T lack = std::max(T(1) - margin, T(0));
        return -lack * lack;
    }
};

struct LogisticLink {
    template <typename T>
    static T log_share(T margin) {
        return margin > 0 ? -std::log1p(std::exp(-margin)) : margin - std::log1p(std::exp(margin));
    }
};

namespace detail {

template <typename T>
struct TreeSearch {
    std::vector<T> margins, total;
    std::vector<char> seen;
    std::vector<std::int64_t> reached;
    std::vector<Scored<T>> nodes, next;  // label holds the node

    TreeSearch(const LabelForest &forest, std::int64_t beam)
        : margins(static_cast<std::size_t>(forest.most_edges)),
          total(static_cast<std::size_t>(forest.n_labels), T(0)),
          seen(static_cast<std::size_t>(forest.n_labels), 0) {
        reached.reserve(static_cast<std::size_t>(forest.n_labels));
        nodes.reserve(static_cast<std::size_t>(beam * forest.most_edges + 1));
        next.reserve(static_cast<std::size_t>(beam * forest.most_edges + 1));
    }

    void forget() {
        for (const std::int64_t label : reached) total[label] = T(0), seen[label] = 0;
        reached.clear();
    }

    void add(std::int64_t label, T share) {
        if (!seen[label]) {
            seen[label] = 1;
            reached.push_back(label);
        }
        total[label] += share;
    }
};

// First place in [from, to) of sorted features that is not below `wanted`.
inline std::int64_t gallop(const std::int32_t *features, std::int64_t from, std::int64_t to,
                           std::int64_t wanted) {
    std::int64_t step = 1, left = from;
    while (from < to && features[from] < wanted) {
        left = from + 1;
        from += step;
        step *= 2;
    }
    return std::lower_bound(features + left, features + std::min(from, to), wanted) - features;
}

template <typename T, typename I>
void edge_margins(const Csr<T, I> &X, std::int64_t i, const LabelForest &forest, std::int64_t node,
                  T *margins) {
    const std::int64_t first = forest.edge_indptr[node];
    const std::int64_t count = forest.edge_indptr[node + 1] - first;
    for (std::int64_t e = 0; e < count; ++e) margins[e] = static_cast<T>(forest.bias[first + e]);
    std::int64_t place = forest.feature_indptr[node];
    const std::int64_t end = forest.feature_indptr[node + 1];
    for (std::int64_t at = X.begin(i); at < X.end(i) && place < end; ++at) {
        const std::int64_t feature = static_cast<std::int64_t>(X.indices[at]);
        place = gallop(forest.features, place, end, feature);
        if (place == end || forest.features[place] != feature) continue;
        const T x = X.value(at);
        for (std::int64_t w = forest.entry_indptr[place]; w < forest.entry_indptr[place + 1]; ++w)
            margins[forest.entry_edge[w]] += x * static_cast<T>(forest.entry_weight[w]);
        ++place;
    }
}

template <typename Link, typename T, typename I>
void search_tree(const Csr<T, I> &X, std::int64_t i, const LabelForest &forest, std::int64_t root,
                 std::int64_t beam, TreeSearch<T> &s) {
    s.nodes.assign(1, {T(0), root});
    while (!s.nodes.empty()) {
        s.next.clear();
        for (const Scored<T> &at : s.nodes) {
            edge_margins(X, i, forest, at.label, s.margins.data());
            const std::int64_t first = forest.edge_indptr[at.label];
            const std::int64_t count = forest.edge_indptr[at.label + 1] - first;
            for (std::int64_t e = 0; e < count; ++e) {
                const T score = at.score + Link::log_share(s.margins[e]);
                const std::int64_t child = forest.child[first + e];
                if (child < 0)
                    s.add(-1 - child, std::exp(score));
                else
                    s.next.push_back({score, child});
            }
        }
        if (static_cast<std::int64_t>(s.next.size()) > beam) {
            std::nth_element(s.next.begin(), s.next.begin() + beam, s.next.end(), better<T>);
            s.next.resize(static_cast<std::size_t>(beam));
        }
        std::sort(s.next.begin(), s.next.end(), better<T>);
        s.nodes.swap(s.next);
    }
}

// visit(i, search) after all trees have been searched for row i.
template <typename Link, typename T, typename I, typename Visit>
void search_rows(const Csr<T, I> &X, const LabelForest &forest, std::int64_t beam, int n_threads,
                 Visit visit) {
    std::vector<TreeSearch<T>> scratch(static_cast<std::size_t>(n_threads),
                                       TreeSearch<T>(forest, beam));
    for (auto &s : scratch) {  // a copy keeps no reserve
        s.reached.reserve(static_cast<std::size_t>(forest.n_labels));
        s.nodes.reserve(static_cast<std::size_t>(beam * forest.most_edges + 1));
        s.next.reserve(static_cast<std::size_t>(beam * forest.most_edges + 1));
    }
    const T share = forest.n_roots ? T(1) / static_cast<T>(forest.n_roots) : T(0);
    parallel_for(X.rows, 16, n_threads, [&](std::int64_t begin, std::int64_t end, int thread) {
        TreeSearch<T> &s = scratch[static_cast<std::size_t>(thread)];
        for (std::int64_t i = begin; i < end; ++i) {
            for (std::int64_t t = 0; t < forest.n_roots; ++t)
                search_tree<Link>(X, i, forest, forest.roots[t], beam, s);
            for (const std::int64_t label : s.reached) s.total[label] *= share;
            visit(i, thread, s);
            s.forget();
        }
    });
}

}  // namespace detail

// prior multiplies the score of each label, or is null.
template <typename Link, typename T, typename I>
void label_tree_topk(const Csr<T, I> &X, const LabelForest &forest, const T *prior,
                     std::int64_t beam, int n_threads, Matrix<std::int64_t> indices,
                     Matrix<T> scores) {
    const std::int64_t k = indices.cols;
    if (k == 0) return;
    std::vector<detail::Scored<T>> heaps(static_cast<std::size_t>(k * n_threads));
    detail::search_rows<Link>(
        X, forest, beam, n_threads, [&](std::int64_t i, int thread, detail::TreeSearch<T> &s) {
            detail::Best<T> best{heaps.data() + thread * k, k, 0};
            for (const std::int64_t label : s.reached)
                best.offer(prior ? s.total[label] * prior[label] : s.total[label], label);
            best.write(indices.row(i), scores.row(i));
        });
}

// A label that no tree reaches has score 0.
template <typename Link, typename T, typename I>
void label_tree_scores(const Csr<T, I> &X, const LabelForest &forest, std::int64_t beam,
                       int n_threads, Matrix<T> scores) {
    detail::search_rows<Link>(X, forest, beam, n_threads,
                              [&](std::int64_t i, int, detail::TreeSearch<T> &s) {
                                  T *row = scores.row(i);
                                  std::copy_n(s.total.data(), scores.cols, row);
                              });
}

}  // namespace nnae
