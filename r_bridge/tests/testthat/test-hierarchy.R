planted_hierarchy <- function() {
  nnae_hierarchy(
    nnae_autoencoder(planted_labels(), c(12, 3), random_state = 0, tol = 0, max_iter = 20)
  )
}

# Sets of labels below the concepts of the tree.
clades_of_tree <- function(hierarchy) {
  edges <- hierarchy$edges[hierarchy$edges$in_tree, ]
  below <- function(node) {
    children <- edges$child[edges$parent == node]
    if (length(children)) unlist(lapply(children, below)) else node
  }
  concepts <- edges$child[edges$child_kind == "concept"]
  lapply(stats::setNames(concepts, concepts), function(node) sort(below(node)))
}

test_that("hclust and dendrogram hold every concept of the tree as a clade", {
  skip_if_no_nnae()
  hierarchy <- planted_hierarchy()
  tree <- as.hclust(hierarchy)
  expect_s3_class(tree, "hclust")
  expect_identical(sort(tree$order), seq_along(hierarchy$labels))
  expect_false(is.unsorted(tree$height))
  members <- list()
  for (i in seq_len(nrow(tree$merge))) {
    members[[i]] <- unlist(lapply(tree$merge[i, ], function(m) if (m < 0) -m else members[[m]]))
  }
  clades <- lapply(members, function(m) sort(tree$labels[m]))
  expect_true(all(clades_of_tree(hierarchy) %in% clades))
  leaves <- as.dendrogram(hierarchy)
  expect_identical(labels(leaves), tree$labels[tree$order])
  expect_length(unique(stats::cutree(tree, 3)), 3)
})

test_that("ape and igraph get the same tree with its names", {
  skip_if_no_nnae()
  hierarchy <- planted_hierarchy()
  clades <- clades_of_tree(hierarchy)
  if (requireNamespace("igraph", quietly = TRUE)) {
    graph <- igraph::as.igraph(hierarchy)
    expect_setequal(igraph::V(graph)$name[igraph::V(graph)$kind == "label"], hierarchy$labels)
    expect_equal(igraph::ecount(graph), sum(hierarchy$edges$in_tree))
    hierarchy$edges$frequency <- rep_len(c(1, 0.2), nrow(hierarchy$edges))
    drawn <- igraph::as.igraph(hierarchy)
    expect_equal(igraph::E(drawn)$lty == 2, igraph::E(drawn)$frequency < 0.6)
    expect_true(all(igraph::E(drawn)$width[igraph::E(drawn)$lty == 2] < 1))
    for (concept in names(clades)) {
      below <- names(igraph::subcomponent(graph, concept, "out"))
      expect_setequal(intersect(below, hierarchy$labels), clades[[concept]])
    }
    wide <- igraph::as.igraph(hierarchy, what = "graph")
    expect_equal(igraph::ecount(wide), sum(hierarchy$edges$in_graph))
  }
  skip_if_not_installed("ape")
  tree <- ape::as.phylo(hierarchy)
  expect_setequal(tree$tip.label, hierarchy$labels)
  expect_true(all(names(clades) %in% tree$node.label))
  for (concept in names(clades)) {
    expect_setequal(ape::extract.clade(tree, concept)$tip.label, clades[[concept]])
  }
})

test_that("names with quotes, blanks and brackets reach ape whole", {
  skip_if_no_nnae()
  skip_if_not_installed("ape")
  odd <- c("it's a (leek)", "use::x", "plain", "[a]; b:c, d")
  sets <- rep(list(odd[1:2], odd[3:4], odd[2:1]), 8)
  tree <- ape::as.phylo(nnae_hierarchy(nnae_nmf(sets, 2, random_state = 0)))
  expect_setequal(tree$tip.label, odd)
})

test_that("data frames, printing and plots work without Python after saveRDS", {
  skip_if_no_nnae()
  hierarchy <- planted_hierarchy()
  file <- tempfile(fileext = ".rds")
  saveRDS(hierarchy, file)
  again <- readRDS(file)
  unlink(file)
  expect_identical(tidy(again), tidy(hierarchy))
  expect_identical(as.hclust(again), as.hclust(hierarchy))
  expect_output(print(again), "72 labels in")
  expect_output(print(summary(again)), "Hierarchy of 72 labels: 2 levels")
  expect_equal(glance(again)$n_labels, 72)
  table <- augment(again)
  expect_identical(table$label, again$labels)
  expect_true(all(table$level2 %in% c(1:3, NA)))
  expect_identical(as.character(nnae_python(again)$to_newick()), again$newick)
  file <- tempfile(fileext = ".pdf")
  grDevices::pdf(file)
  expect_invisible(plot(again))
  expect_invisible(plot(again, max_labels = 10))
  grDevices::dev.off()
  expect_gt(file.size(file), 4000)
})

test_that("planted topics are found", {
  skip_if_no_nnae()
  planted <- nnae_dataset("label_hierarchy", n_samples = 500, random_state = 0)
  hierarchy <- nnae_hierarchy(nnae_autoencoder(planted$y, c(12, 3), random_state = 0))
  topic <- sub("/.*", "", hierarchy$labels)
  counts <- table(topic, hierarchy$clusters[, "level2"])
  expect_gt(sum(apply(counts, 1, max)) / length(topic), 0.9)
})

test_that("bootstraps, other names and wrong input", {
  skip_if_no_nnae()
  model <- nnae_nmf(list("a", c("a", "b"), "c", c("c", "d")), 2, random_state = 0)
  named <- nnae_hierarchy(model, label_names = c("w", "x", "y", "z"), bootstrap = 3)
  expect_identical(named$labels, c("w", "x", "y", "z"))
  frequency <- tidy(named)$frequency
  expect_true(all(frequency >= 0 & frequency <= 1, na.rm = TRUE))
  expect_true(any(!is.na(frequency)))
  expect_error(nnae_hierarchy(1), "^`model` must come from nnae_autoencoder\\(\\)")
  expect_error(nnae_hierarchy(model, bootstrap = 1, use_labels = FALSE), "needs the labels")
  expect_error(nnae_hierarchy(model, min_share = 2), "^min_share must be")
  single <- nnae_hierarchy(nnae_nmf(list("a", "a"), 1, random_state = 0))
  expect_error(as.hclust(single), "^`x` must have at least two labels")
})
