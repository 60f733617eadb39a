audited <- function() {
  planted <- nnae_dataset("label_hierarchy", n_samples = 1200, random_state = 0)
  train <- 1:600
  model <- nnae_autoencoder(planted$y[train, ], c(12, 3), random_state = 0)
  list(
    planted = planted, train = planted$y[train, ], held_out = planted$y[-train, ],
    hierarchy = nnae_hierarchy(model)
  )
}

test_that("a true tree passes, one with shuffled labels does not, and Python says the same", {
  skip_if_no_nnae()
  data <- audited()
  report <- nnae_audit(
    data$hierarchy, data$held_out,
    taxonomy = data$planted$groups, n_permutations = 60, random_state = 0, y_train = data$train
  )
  expect_true(report$trustworthy)
  expect_true(all(summary(report)))
  twin <- nnae_module()$audit(
    nnae_python(data$hierarchy), to_scipy(data$held_out),
    taxonomy = reticulate::r_to_py(data$planted$groups), n_permutations = 60L, random_state = 0L,
    Y_train = to_scipy(data$train), n_threads = 1L
  )
  expect_identical(report$frame, from_pandas(twin$frame))
  expect_identical(report$verdict, as.character(reticulate::py_to_r(twin$verdict)))
  wrong <- nnae_hierarchy(nnae_nmf(data$train[, sample(ncol(data$train))], 3, random_state = 0),
    label_names = data$hierarchy$labels
  )
  expect_false(nnae_audit(wrong, data$held_out, n_permutations = 60, random_state = 0)$trustworthy)
})

test_that("methods of audits", {
  skip_if_no_nnae()
  data <- audited()
  report <- nnae_audit(data$hierarchy, data$held_out, n_permutations = 30, random_state = 0)
  expect_output(print(report), "placement")
  expect_identical(tidy(report), report$frame)
  numbers <- glance(report)
  expect_equal(numbers$rows, 600)
  expect_equal(numbers$checks_made, length(report$checks))
  file <- nnae_write_html(report, tempfile(fileext = ".html"))
  page <- paste(readLines(file), collapse = "\n")
  expect_true(grepl("<!DOCTYPE html>.*placement", page))
  pdf <- tempfile(fileext = ".pdf")
  grDevices::pdf(pdf)
  expect_invisible(plot(report))
  grDevices::dev.off()
  expect_gt(file.size(pdf), 4000)
  again <- unserialize(serialize(report, NULL))
  expect_identical(again$frame, report$frame)
})

test_that("users' mistakes are told in one line", {
  skip_if_no_nnae()
  data <- audited()
  tree <- data$hierarchy
  y <- data$held_out
  expect_error(nnae_audit(1, y), "^`hierarchy` must come from nnae_hierarchy\\(\\); got numeric$")
  expect_error(nnae_audit(tree, y[, 1:5]), "^`y_heldout` has 5 columns, the model has 72$")
  expect_error(nnae_audit(tree, y, taxonomy = 1:3), "^`taxonomy` has 3 groups")
  expect_error(nnae_audit(tree, y, n_permutations = 1), "^n_permutations must be")
  expect_error(nnae_audit(tree, y, x = matrix(0, 3, 2)), "^Y_heldout has 600 rows, X has 3$")
  expect_error(nnae_write_html(tree, "x.html"), "^`x` must be a report of nnae")
})
