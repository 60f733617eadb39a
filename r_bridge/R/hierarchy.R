#' Read the hierarchy of labels off a model
#'
#' Concepts contribute to labels, and higher concepts to lower ones: the result is a graph, in which
#' a label may have several parents, and the tree inside it. Everything is held in R: the methods
#' below need no Python, also after `readRDS()`.
#'
#' @param model A fit of [nnae_autoencoder()], [nnae_nmf()] or [nnae_two_step()].
#' @param label_names Names that replace the model's, or NULL.
#' @param use_labels TRUE passes the labels of the training rows: labels are then placed inside
#'   concepts by the mean codes of their examples, and labels without examples are found by
#'   counting.
#' @param min_share Least parent share of an edge of the graph.
#' @param max_entropy A node whose parent shares have a larger entropy (as a part of its maximum)
#'   hangs at the root.
#' @param min_mass Concepts with a smaller part of their level's mass are left out.
#' @param mass What the mass of a concept counts: `"auto"`, `"rate"` or `"labels"`.
#' @param basis `"weights"`: siblings occur together; `"resemblance"`: siblings have like features,
#'   for models with `feature_weight` above 0; `"auto"`: resemblance where the model has it.
#' @param bootstrap Number of refits on rows drawn with replacement; every edge gets the share of
#'   refits that have it. Needs `use_labels`.
#' @param random_state Seed of the bootstraps.
#' @return An object of class `nnae_hierarchy`: a list with `labels`, `widths`, `root`, `unplaced`
#'   (labels without examples), the data frames `edges` and `nodes`, `clusters` (labels x levels,
#'   the concept that contributes most, or NA), `linkage` (as in scipy), `newick` and `text`. See
#'   [nnae_hierarchy_methods].
#' @examples
#' if (nnae_available()) {
#'   planted <- nnae_dataset("label_hierarchy", n_samples = 200, random_state = 0)
#'   model <- nnae_autoencoder(planted$y, layer_sizes = c(12, 3), random_state = 0)
#'   nnae_hierarchy(model)
#' }
#' @export
nnae_hierarchy <- function(model, label_names = NULL, use_labels = TRUE, min_share = 0.2,
                           max_entropy = 0.9, min_mass = 1e-4, mass = "auto", basis = "auto",
                           bootstrap = 0, random_state = 0) {
  if (inherits(model, "nnae_two_step")) model <- nnae_step_one(model)
  if (!inherits(model, "nnae_compressor")) {
    refuse(
      "`model` must come from nnae_autoencoder() or nnae_nmf(); got %s", class(model)[1]
    )
  }
  arguments <- list(
    model = nnae_python(model),
    label_names = check_names(label_names, "label_names"),
    Y = if (check_logical(use_labels, "use_labels") && !is.null(model$y)) to_scipy(model$y),
    X = if (!is.null(model$x)) to_python_features(model$x, "x"),
    min_share = check_number(min_share, "min_share"),
    max_entropy = check_number(max_entropy, "max_entropy"),
    min_mass = check_number(min_mass, "min_mass"),
    mass = check_text(mass, "mass"),
    basis = check_text(basis, "basis"),
    bootstrap = check_count(bootstrap, "bootstrap"),
    random_state = check_count_or_null(random_state, "random_state")
  )
  object <- call_python(do.call(nnae_module()$LabelHierarchy$from_compressor, arguments))
  new_hierarchy(object, match.call())
}

# An R hierarchy of a Python one.
new_hierarchy <- function(object, call) {
  labels <- from_strings(object$labels)
  widths <- as.integer(unlist(reticulate::py_to_r(object$widths)))
  structure(
    list(
      call = call,
      labels = labels,
      widths = widths,
      root = as.character(reticulate::py_to_r(object$root)),
      unplaced = from_strings(object$unplaced),
      edges = from_pandas(object$to_frame()),
      nodes = hierarchy_nodes(object),
      clusters = hierarchy_clusters(object, labels, widths),
      linkage = from_numpy_matrix(
        object$to_linkage(), list(NULL, c("first", "second", "height", "size"))
      ),
      newick = as.character(reticulate::py_to_r(object$to_newick())),
      text = as.character(reticulate::py_to_r(object$to_text())),
      handle = new_handle(object)
    ),
    class = c("nnae_hierarchy", "nnae_model")
  )
}

hierarchy_nodes <- function(object) {
  builtins <- reticulate::import_builtins(convert = FALSE)
  pandas <- reticulate::import("pandas", convert = FALSE)
  frame <- pandas$DataFrame$from_dict(builtins$dict(object$graph$nodes), orient = "index")
  known <- intersect(
    c("kind", "level", "index", "mass", "size", "hoyer", "count"), from_strings(frame$columns)
  )
  nodes <- from_pandas(frame, known)
  nodes$index <- as.integer(nodes$index) + 1L # 0-based in Python
  cbind(name = from_strings(frame$index), nodes)
}

hierarchy_clusters <- function(object, labels, widths) {
  clusters <- vapply(seq_along(widths), function(level) {
    numbers <- as.integer(from_numpy(object$clusters(level), "int32"))
    ifelse(numbers < 0L, NA_integer_, numbers + 1L)
  }, integer(length(labels)))
  matrix(clusters, length(labels), length(widths),
    dimnames = list(labels, paste0("level", seq_along(widths)))
  )
}

#' Methods of label hierarchies
#'
#' @param x,object A hierarchy of [nnae_hierarchy()].
#' @param hang,... Passed on: by `as.dendrogram` to its method for `hclust`, by `plot` to the plot
#'   of a dendrogram.
#' @param max_labels `plot` writes the names of the labels up to this number.
#' @param what The `"tree"`, or the `"graph"`, in which a label may have several parents.
#' @return `as.hclust` and `as.dendrogram`: a binary refinement of the tree over all labels.
#'   `as.igraph`, `as.phylo`: the tree itself (or the graph) with names; edges of igraph carry
#'   share, lift, contribution and frequency, and the width and line type to draw them with: thin
#'   and dashed where fewer than three in five bootstraps have the edge. `tidy`: one row an edge.
#'   `glance`: one row. `augment`: one row a label with the concept of each level that contributes
#'   most to it. `summary`: counts of concepts and labels.
#' @examples
#' if (nnae_available()) {
#'   planted <- nnae_dataset("label_hierarchy", n_samples = 200, random_state = 0)
#'   model <- nnae_autoencoder(planted$y, layer_sizes = c(12, 3), random_state = 0)
#'   hierarchy <- nnae_hierarchy(model)
#'   table(cutree(as.hclust(hierarchy), k = 3))
#'   head(tidy(hierarchy))
#'   plot(hierarchy)
#'   if (requireNamespace("ape", quietly = TRUE)) {
#'     plot(ape::as.phylo(hierarchy), type = "fan", cex = 0.5)
#'   }
#' }
#' @name nnae_hierarchy_methods
NULL

#' @rdname nnae_hierarchy_methods
#' @export
#' @method print nnae_hierarchy
print.nnae_hierarchy <- function(x, ...) {
  check_unused(...)
  cat(x$text, "\n", sep = "")
  invisible(x)
}

#' @rdname nnae_hierarchy_methods
#' @export
#' @method summary nnae_hierarchy
summary.nnae_hierarchy <- function(object, ...) {
  check_unused(...)
  structure(glance(object), class = c("summary.nnae_hierarchy", "data.frame"))
}

#' @rdname nnae_hierarchy_methods
#' @export
#' @method print summary.nnae_hierarchy
print.summary.nnae_hierarchy <- function(x, ...) {
  check_unused(...)
  cat(sprintf(
    paste0(
      "Hierarchy of %d labels: %d levels, %d concepts in the tree\n",
      "%d labels hang at the root, %d have several parents, %d have no examples\n"
    ),
    x$n_labels, x$n_levels, x$n_concepts, x$n_at_root, x$n_several_parents, x$n_unplaced
  ))
  invisible(x)
}

#' @rdname nnae_hierarchy_methods
#' @export
as.hclust.nnae_hierarchy <- function(x, ...) {
  check_unused(...)
  if (length(x$labels) < 2) {
    stop("`x` must have at least two labels to be an hclust; it has 1", call. = FALSE)
  }
  linkage_hclust(x$linkage, x$labels, x$call, "mean codes")
}

# scipy's linkage matrix as hclust: smaller numbers first, leaves negative.
linkage_hclust <- function(linkage, labels, call, distance) {
  n <- length(labels)
  number <- function(id) as.integer(ifelse(id < n, -(id + 1), id - n + 1))
  merge <- cbind(number(linkage[, 1]), number(linkage[, 2]))
  swap <- ifelse(merge[, 1] > 0, merge[, 2] < merge[, 1], merge[, 2] < 0 & merge[, 2] > merge[, 1])
  merge[swap, ] <- merge[swap, 2:1]
  structure(
    list(
      merge = unname(merge), height = unname(linkage[, 3]), order = leaf_order(merge),
      labels = labels, method = "nnae", call = call, dist.method = distance
    ),
    class = "hclust"
  )
}

# Leaves from left to right.
leaf_order <- function(merge) {
  members <- vector("list", nrow(merge))
  for (i in seq_len(nrow(merge))) {
    parts <- lapply(merge[i, ], function(m) if (m < 0) -m else members[[m]])
    members[[i]] <- unlist(parts)
    members[merge[i, merge[i, ] > 0]] <- list(NULL)
  }
  as.integer(members[[nrow(merge)]])
}

#' @rdname nnae_hierarchy_methods
#' @export
as.dendrogram.nnae_hierarchy <- function(object, hang = -1, ...) {
  as.dendrogram(as.hclust(object), hang = check_number(hang, "hang"), ...)
}

#' @rdname nnae_hierarchy_methods
#' @export
plot.nnae_hierarchy <- function(x, max_labels = 100, ...) {
  names_shown <- length(x$labels) <= check_count(max_labels, "max_labels")
  arguments <- list(...)
  if (is.null(arguments$horiz)) arguments$horiz <- TRUE
  if (is.null(arguments$leaflab)) arguments$leaflab <- if (names_shown) "perpendicular" else "none"
  if (is.null(arguments$nodePar)) {
    room <- graphics::par("fin")[if (arguments$horiz) 2 else 1]
    cex <- room / (1.1 * length(x$labels) * graphics::par("cin")[2])
    arguments$nodePar <- list(pch = c(NA, NA), lab.cex = max(0.2, min(1, cex)))
  }
  leaves <- as.dendrogram(x)
  if (names_shown) {
    beside <- fit_names(x$labels, arguments$nodePar$lab.cex)
    side <- if (arguments$horiz) 4 else 1
    old <- graphics::par(mai = replace(graphics::par("mai"), side, beside$margin))
    on.exit(graphics::par(old))
    leaves <- stats::dendrapply(leaves, function(node) {
      if (stats::is.leaf(node)) {
        attr(node, "label") <- beside$names[match(attr(node, "label"), x$labels)]
      }
      node
    })
  }
  do.call(plot, c(list(leaves), arguments))
  invisible(x)
}

#' @rdname nnae_hierarchy_methods
#' @exportS3Method igraph::as.igraph
as.igraph.nnae_hierarchy <- function(x, what = c("tree", "graph"), ...) { # nolint
  check_unused(...)
  what <- check_choice(what, "what", c("tree", "graph"))
  edges <- x$edges[if (what == "tree") x$edges$in_tree else x$edges$in_graph, ]
  nodes <- x$nodes
  if (what == "tree") {
    nodes <- nodes[nodes$name %in% c(edges$parent, edges$child, x$root), ]
  }
  columns <- c("parent", "child", "share", "lift", "contribution", "frequency")
  edges <- edges[columns]
  sure <- is.na(edges$frequency) | edges$frequency >= 0.6
  edges$width <- ifelse(sure, 2, 0.5)
  edges$lty <- ifelse(sure, 1, 2)
  igraph::graph_from_data_frame(edges, directed = TRUE, vertices = nodes)
}

#' @rdname nnae_hierarchy_methods
#' @exportS3Method ape::as.phylo
as.phylo.nnae_hierarchy <- function(x, ...) { # nolint
  check_unused(...)
  # ape does not read quotes inside quoted names: plain words stand in for them
  quoted <- gregexpr("'([^']|'')*'", x$newick)
  names_given <- regmatches(x$newick, quoted)[[1]]
  words <- sprintf("quoted%dname", seq_along(names_given))
  text <- x$newick
  regmatches(text, quoted) <- list(words)
  tree <- ape::read.tree(text = text)
  bare <- gsub("''", "'", substr(names_given, 2, nchar(names_given) - 1), fixed = TRUE)
  restore <- function(found) {
    at <- match(found, words)
    ifelse(is.na(at), found, bare[at])
  }
  tree$tip.label <- restore(tree$tip.label)
  tree$node.label <- restore(tree$node.label)
  tree
}

#' @rdname nnae_hierarchy_methods
#' @rawNamespace S3method(tidy, nnae_hierarchy)
tidy.nnae_hierarchy <- function(x, ...) {
  check_unused(...)
  x$edges
}

#' @rdname nnae_hierarchy_methods
#' @rawNamespace S3method(glance, nnae_hierarchy)
glance.nnae_hierarchy <- function(x, ...) {
  check_unused(...)
  in_tree <- x$edges[x$edges$in_tree, ]
  of_labels <- x$edges[x$edges$in_graph & x$edges$child_kind == "label", ]
  data.frame(
    n_labels = length(x$labels), n_levels = length(x$widths),
    n_concepts = sum(in_tree$child_kind == "concept"),
    n_at_root = sum(in_tree$parent == x$root & in_tree$child_kind == "label"),
    n_several_parents = sum(table(of_labels$child) > 1),
    n_unplaced = length(x$unplaced)
  )
}

#' @rdname nnae_hierarchy_methods
#' @rawNamespace S3method(augment, nnae_hierarchy)
augment.nnae_hierarchy <- function(x, ...) {
  check_unused(...)
  in_tree <- x$edges[x$edges$in_tree, ]
  data.frame(
    label = x$labels, parent = in_tree$parent[match(x$labels, in_tree$child)], x$clusters,
    row.names = NULL
  )
}
