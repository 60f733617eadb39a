// What the bindings share: checks of arrays, and turning them into views.
//
// A binding knows arrays only (dtype, contiguity, length, writeability), releases the GIL and calls
// one kernel. Outputs are taken as py::array_t with noconvert(): a converted argument would be a
// temporary, and the result would be lost. Checks here keep memory safe; friendly messages are
// Python's business.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <stdexcept>
#include <string>

#include "views.hpp"

namespace nnae::bindings {

namespace py = pybind11;

template <typename T>
using Array = py::array_t<T, py::array::c_style>;

inline void require(bool holds, const char *what) {
    if (!holds) throw std::invalid_argument(what);
}

template <typename T>
Matrix<const T> matrix(const Array<T> &array) {
    require(array.ndim() == 2, "a matrix must have two dimensions");
    return {array.data(), array.shape(0), array.shape(1)};
}

template <typename T>
Matrix<T> mutable_matrix(Array<T> &array) {
    require(array.ndim() == 2, "a matrix must have two dimensions");
    return {array.mutable_data(), array.shape(0), array.shape(1)};
}

// Every index is checked once, here: a kernel never reads outside its arrays.
template <typename T, typename I>
Csr<T, I> csr(const Array<I> &indptr, const Array<I> &indices,
              const std::optional<Array<T>> &values, std::int64_t cols) {
    require(indptr.ndim() == 1 && indptr.size() >= 1, "indptr must have n + 1 entries");
    require(indices.ndim() == 1, "indices must have one dimension");
    require(!values || values->size() == indices.size(), "values and indices must be equally long");
    const I *p = indptr.data();
    const std::int64_t rows = indptr.size() - 1;
    require(p[0] == 0 && static_cast<std::int64_t>(p[rows]) == indices.size(),
            "indptr must begin with 0 and end with the number of indices");
    bool sound = true;
    for (std::int64_t i = 0; i < rows; ++i) sound &= p[i] <= p[i + 1];
    const I *j = indices.data();
    for (std::int64_t at = 0; at < indices.size(); ++at) sound &= j[at] >= 0 && j[at] < cols;
    require(sound, "indptr must not decrease and indices must be in [0, columns)");
    return {p, j, values ? values->data() : nullptr, rows, cols};
}

}  // namespace nnae::bindings
