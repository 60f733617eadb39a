explained_model <- function() {
  y <- nnae_dataset("label_hierarchy", n_samples = 300, random_state = 0)$y
  even <- seq(2, ncol(y), 2)
  x <- y[, even]
  list(x = x, model = nnae_two_step(x[1:200, ], y[1:200, -even], random_state = 0))
}

test_that("the ledger adds up to the score that predict reports", {
  skip_if_no_nnae()
  data <- explained_model()
  row <- data$x[201, , drop = FALSE]
  best <- predict(data$model, row, k = 1)
  why <- nnae_explain(data$model, row, best$label)
  expect_equal(why$score, best$score, tolerance = 1e-9)
  expect_equal(sum(tidy(why)$contribution), why$score, tolerance = 1e-9)
  expect_equal(sum(why$features$contribution), why$score, tolerance = 1e-6)
  expect_identical(glance(why)$rank, 1L)
  number <- match(best$label, data$model$labels)
  expect_identical(nnae_explain(data$model, row, number)$frame, why$frame)
  features <- why$features[why$features$kind == "feature", ]
  expect_true(all(features$name %in% colnames(data$x)))
  expect_identical(features$name, colnames(data$x)[features$feature])
  expect_output(print(why), best$label, fixed = TRUE)
  other <- nnae_explain(data$model, row, best$label, against = data$model$labels[1], top = NULL)
  expect_match(other$label, "rather than")
  pdf <- tempfile(fileext = ".pdf")
  grDevices::pdf(pdf)
  expect_invisible(plot(why))
  grDevices::dev.off()
  expect_gt(file.size(pdf), 3500)
  page <- readLines(nnae_write_html(why, tempfile(fileext = ".html")), warn = FALSE)
  expect_true(any(grepl(best$label, page, fixed = TRUE)))
})

test_that("users' mistakes are told in one line", {
  skip_if_no_nnae()
  data <- explained_model()
  row <- data$x[1, , drop = FALSE]
  expect_error(nnae_explain(1, row, 1), "^`model` must come from nnae_two_step\\(\\); got numeric$")
  expect_error(nnae_explain(data$model, data$x, 1), "^`x` must be one example; got 300$")
  expect_error(nnae_explain(data$model, row, "ham"), "^`label` must be a label of the model")
  expect_error(nnae_explain(data$model, row, 99), "^`label` must be between 1 and 36; got 99$")
  expect_error(nnae_explain(data$model, row, 1, method = "guess"), "^method must be")
})

test_that("a report is written, with what R found before", {
  skip_if_no_nnae()
  skip_if_not(reticulate::py_module_available("jinja2"), "the page needs jinja2")
  y <- nnae_dataset("label_hierarchy", n_samples = 500, random_state = 0)$y
  even <- seq(2, ncol(y), 2)
  model <- nnae_two_step(y[1:250, even], y[1:250, -even], random_state = 0)
  tree <- nnae_hierarchy(model)
  held_out <- y[251:500, -even]
  path <- nnae_report(
    model, tempfile(fileext = ".html"),
    hierarchy = tree, audit = nnae_audit(tree, held_out, n_permutations = 20, random_state = 0),
    x = y[251:500, even], y = held_out, dependencies = nnae_dependencies(held_out),
    title = "Planted & found", n_examples = 3
  )
  page <- paste(readLines(path, warn = FALSE), collapse = "\n")
  expect_true(grepl("Planted &amp; found", page, fixed = TRUE))
  expect_true(grepl("250 held-out examples", page, fixed = TRUE))
  expect_error(nnae_report(model, path, x = y), "^`x` and `y` must be given together$")
  expect_error(nnae_report(model, path, audit = 1), "^`audit` must come from nnae_audit")
})
