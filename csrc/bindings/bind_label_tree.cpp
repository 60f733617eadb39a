// Beam search down trees of sparse classifiers.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "arrays.hpp"
#include "label_tree.hpp"

namespace nnae::bindings::of_label_tree {

namespace {

using Places = Array<std::int64_t>;
using Edges = Array<std::int32_t>;

void check_indptr(const Places &indptr, std::int64_t parts, std::int64_t total) {
    require(indptr.ndim() == 1 && indptr.size() == parts + 1, "indptr must have n + 1 entries");
    const std::int64_t *p = indptr.data();
    bool sound = p[0] == 0 && p[parts] == total;
    for (std::int64_t i = 0; i < parts; ++i) sound &= p[i] <= p[i + 1];
    require(sound, "indptr must rise from 0 to the number of entries");
}

// Arrays of a forest, kept alive and checked once: a search of one row touches little of them.
class Trees {
 public:
    Trees(Places edge_indptr, Places child, Array<float> bias, Places feature_indptr,
          Edges features, Places entry_indptr, Edges entry_edge, Array<float> entry_weight,
          Places roots, std::int64_t n_labels)
        : edge_indptr_(edge_indptr),
          child_(child),
          bias_(bias),
          feature_indptr_(feature_indptr),
          features_(features),
          entry_indptr_(entry_indptr),
          entry_edge_(entry_edge),
          entry_weight_(entry_weight),
          roots_(roots) {
        const std::int64_t nodes = edge_indptr_.size() - 1;
        require(nodes >= 0 && n_labels >= 0, "edge_indptr must have nodes + 1 entries");
        check_indptr(edge_indptr_, nodes, child_.size());
        check_indptr(feature_indptr_, nodes, features_.size());
        check_indptr(entry_indptr_, features_.size(), entry_edge_.size());
        require(bias_.size() == child_.size(), "bias and child must be equally long");
        require(entry_weight_.size() == entry_edge_.size(),
                "weights and edges must be equally long");
        view = {edge_indptr_.data(),
                child_.data(),
                bias_.data(),
                feature_indptr_.data(),
                features_.data(),
                entry_indptr_.data(),
                entry_edge_.data(),
                entry_weight_.data(),
                roots_.data(),
                nodes,
                roots_.size(),
                n_labels,
                0};
        check_nodes();
    }

    LabelForest view;

 private:
    // Children come after their parents, so that a search ends.
    void check_nodes() {
        bool sound = true;
        for (std::int64_t node = 0; node < view.n_nodes; ++node) {
            const std::int64_t first = view.edge_indptr[node], last = view.edge_indptr[node + 1];
            view.most_edges = std::max(view.most_edges, last - first);
            for (std::int64_t e = first; e < last; ++e) {
                const std::int64_t to = view.child[e];
                sound &= to < view.n_nodes && to >= -view.n_labels && (to < 0 || to > node);
            }
            const std::int64_t from = view.entry_indptr[view.feature_indptr[node]];
            const std::int64_t to = view.entry_indptr[view.feature_indptr[node + 1]];
            for (std::int64_t w = from; w < to; ++w)
                sound &= view.entry_edge[w] >= 0 && view.entry_edge[w] < last - first;
        }
        for (std::int64_t r = 0; r < view.n_roots; ++r)
            sound &= view.roots[r] >= 0 && view.roots[r] < view.n_nodes;
        require(sound, "children, edges and roots must exist, children after their parents");
    }

    Places edge_indptr_, child_;
    Array<float> bias_;
    Places feature_indptr_;
    Edges features_;
    Places entry_indptr_;
    Edges entry_edge_;
    Array<float> entry_weight_;
    Places roots_;
};

template <typename Search>
void with_link(const std::string &loss, Search search) {
    const bool logistic = loss == "logistic";
    require(logistic || loss == "squared_hinge", "loss must be squared_hinge or logistic");
    py::gil_scoped_release release;
    if (logistic)
        search(LogisticLink{});
    else
        search(HingeLink{});
}

template <typename T, typename I>
py::tuple best(const Trees &trees, const Array<I> &indptr, const Array<I> &indices,
               const Array<T> &values, std::int64_t cols, const std::string &loss,
               std::int64_t beam, std::int64_t k, const std::optional<Array<T>> &prior,
               int n_threads) {
    const Csr<T, I> X = csr<T, I>(indptr, indices, values, cols);
    require(!prior || prior->size() == trees.view.n_labels, "prior must have one entry a label");
    require(beam >= 1 && k >= 0 && n_threads >= 1, "beam and n_threads must be at least 1");
    Places found({X.rows, k});
    Array<T> scores({X.rows, k});
    const auto to = mutable_matrix(found);
    const auto out = mutable_matrix(scores);
    const T *factor = prior ? prior->data() : nullptr;
    with_link(loss, [&](auto link) {
        label_tree_topk<decltype(link)>(X, trees.view, factor, beam, n_threads, to, out);
    });
    return py::make_tuple(found, scores);
}

template <typename T, typename I>
Array<T> all(const Trees &trees, const Array<I> &indptr, const Array<I> &indices,
             const Array<T> &values, std::int64_t cols, const std::string &loss, std::int64_t beam,
             int n_threads) {
    const Csr<T, I> X = csr<T, I>(indptr, indices, values, cols);
    require(beam >= 1 && n_threads >= 1, "beam and n_threads must be at least 1");
    Array<T> scores({X.rows, trees.view.n_labels});
    const auto out = mutable_matrix(scores);
    with_link(loss, [&](auto link) {
        label_tree_scores<decltype(link)>(X, trees.view, beam, n_threads, out);
    });
    return scores;
}

template <typename T, typename I>
void bind(py::class_<Trees> &trees) {
    using py::arg;
    trees.def("topk", &best<T, I>, arg("indptr").noconvert(), arg("indices").noconvert(),
              arg("values").noconvert(), arg("cols"), arg("loss"), arg("beam"), arg("k"),
              arg("prior").noconvert().none(true), arg("n_threads"),
              "Indices and scores of the k best labels of each row.");
    trees.def("scores", &all<T, I>, arg("indptr").noconvert(), arg("indices").noconvert(),
              arg("values").noconvert(), arg("cols"), arg("loss"), arg("beam"), arg("n_threads"),
              "Scores of all labels, zero for those that no tree reaches.");
}

}  // namespace

}  // namespace nnae::bindings::of_label_tree

namespace nnae::bindings {

void bind_label_tree(py::module_ &module) {
    using namespace of_label_tree;
    using py::arg;
    py::class_<Trees> trees(module, "LabelForest", "Trees of sparse classifiers.");
    trees.def(py::init<Places, Places, Array<float>, Places, Edges, Places, Edges, Array<float>,
                       Places, std::int64_t>(),
              arg("edge_indptr").noconvert(), arg("child").noconvert(), arg("bias").noconvert(),
              arg("feature_indptr").noconvert(), arg("features").noconvert(),
              arg("entry_indptr").noconvert(), arg("entry_edge").noconvert(),
              arg("entry_weight").noconvert(), arg("roots").noconvert(), arg("n_labels"));
    bind<float, std::int32_t>(trees);
    bind<float, std::int64_t>(trees);
    bind<double, std::int32_t>(trees);
    bind<double, std::int64_t>(trees);
}

}  // namespace nnae::bindings
