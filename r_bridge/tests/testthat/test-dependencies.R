cats_and_cars <- function() {
  set.seed(1)
  animal <- stats::runif(400) < 0.3
  cat <- animal & stats::runif(400) < 0.5
  car <- stats::runif(400) < 0.3
  matrix(as.numeric(c(animal, cat, car)), 400, dimnames = list(NULL, c("animal", "cat", "car")))
}

test_that("what depends is found, with its direction, as Python finds it", {
  skip_if_no_nnae()
  y <- cats_and_cars()
  found <- nnae_dependencies(y)
  expect_s3_class(found, c("nnae_dependencies", "data.frame"), exact = TRUE)
  expect_equal(nrow(found), 3)
  best <- found[found$q_value <= 0.05, ]
  expect_identical(best$direction, "b -> a")
  expect_identical(c(best$label_a, best$label_b), c("animal", "cat"))
  expect_equal(best$count, sum(y[, "animal"] & y[, "cat"]))
  expect_equal(best$expected, sum(y[, 1]) * sum(y[, 2]) / 400)
  expect_true(all(found$ci_low < found$odds_ratio & found$odds_ratio < found$ci_high))
  plain <- stats::fisher.test(table(y[, "animal"], y[, "car"]))$p.value
  exact <- nnae_dependencies(y, method = "fisher")
  at <- exact$label_a == "animal" & exact$label_b == "car"
  expect_equal(exact$p_value[at], plain, tolerance = 1e-6)
  expect_equal(sort(found$q_value), sort(stats::p.adjust(found$p_value, "BH")))
})

test_that("methods of dependencies", {
  skip_if_no_nnae()
  found <- nnae_dependencies(cats_and_cars())
  expect_output(print(found), "1 of 3 tested pairs of 3 labels")
  expect_output(print(found, n = 1), "2 more pairs")
  expect_identical(class(tidy(found)), "data.frame")
  numbers <- glance(found)
  expect_equal(unlist(numbers[c("n_rows", "n_tests", "n_significant", "n_directed")]),
    c(n_rows = 400, n_tests = 3, n_significant = 1, n_directed = 1))
  file <- tempfile(fileext = ".pdf")
  grDevices::pdf(file)
  expect_invisible(plot(found))
  expect_invisible(plot(nnae_dependencies(list("a", "b"))))
  grDevices::dev.off()
  expect_gt(file.size(file), 4000)
  skip_if_not_installed("igraph")
  graph <- igraph::as.igraph(found)
  expect_equal(igraph::as_edgelist(graph), cbind("cat", "animal"))
  expect_equal(igraph::E(graph)$sign, 1)
  expect_equal(igraph::ecount(igraph::as.igraph(found, alpha = 1)), 5)
})

test_that("a model adds what it implies; no pair and wrong input are told", {
  skip_if_no_nnae()
  y <- cats_and_cars()
  model <- nnae_nmf(y, 2, random_state = 0)
  found <- nnae_dependencies(y, model = model)
  expect_true("model_b_given_a" %in% names(found))
  none <- nnae_dependencies(list("a", "b"))
  expect_equal(nrow(none), 0)
  expect_equal(glance(none)$n_significant, 0)
  expect_error(nnae_dependencies(y, alpha = 2), "^alpha must be .* got 2")
  expect_error(nnae_dependencies(y, alpha = "a"), "^`alpha` must be one number")
  expect_error(nnae_dependencies(y, model = 1), "^`model` must be NULL or a model of nnae")
  expect_error(nnae_dependencies(y, label_names = "a"), "3")
})

test_that("covariates and a hierarchy add their columns", {
  skip_if_no_nnae()
  y <- cats_and_cars()
  fixed <- matrix(y[, "cat"] + stats::rnorm(400, sd = 0.1), 400, 1)
  adjusted <- nnae_dependencies(y, covariates = fixed, n_adjusted = 3)
  expect_true("adjusted_odds_ratio" %in% names(adjusted))
  planted <- planted_labels()
  tree <- nnae_hierarchy(nnae_nmf(planted, 6, random_state = 0))
  expect_true("tie" %in% names(nnae_dependencies(planted, hierarchy = tree)))
  expect_error(nnae_dependencies(y, hierarchy = 1), "^`hierarchy` must come from nnae_hierarchy")
})
