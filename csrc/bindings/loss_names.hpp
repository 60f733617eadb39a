// The names of the losses, as Python spells them.
#pragma once

#include <stdexcept>
#include <string>

#include "losses.hpp"

namespace nnae::bindings {

template <typename Visitor>
auto with_rate_loss(const std::string &name, Visitor visitor) {
    if (name == "kullback-leibler") return visitor(KullbackLeibler{});
    if (name == "bernoulli") return visitor(Bernoulli{});
    throw std::invalid_argument("loss must be kullback-leibler or bernoulli; got " + name);
}

template <typename Visitor>
auto with_loss(const std::string &name, Visitor visitor) {
    if (name == "frobenius") return visitor(Frobenius{});
    return with_rate_loss(name, visitor);
}

}  // namespace nnae::bindings
