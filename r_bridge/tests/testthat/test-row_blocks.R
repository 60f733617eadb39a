rows_of_labels <- function() {
  y <- nnae_dataset("label_hierarchy", n_samples = 300, random_state = 0)$y
  even <- seq(2, ncol(y), 2)
  list(x = y[, even], y = y[, -even])
}

in_thirds <- function(data) {
  function(i) {
    rows <- seq(100 * i - 99, 100 * i)
    if (i <= 3) list(x = data$x[rows, ], y = data$y[rows, ])
  }
}

test_that("a function, a list, a folder and a file of blocks fit the model that Python fits", {
  skip_if_no_nnae()
  data <- rows_of_labels()
  fetch <- in_thirds(data)
  folder <- tempfile("rows")
  expect_identical(nnae_write_blocks(fetch, folder), folder)
  file <- tempfile(fileext = ".txt")
  nnae_write(data$x, data$y, file, "xmc")
  pair <- reticulate::tuple(to_scipy(data$x), to_scipy(data$y))
  twin <- nnae_module()$TwoStepClassifier(random_state = 0L, n_threads = 1L)$fit(
    nnae_module()$io$row_blocks(pair, rows = 100L)
  )
  expected <- twin$predict_topk(to_scipy(data$x), k = 3L)
  for (source in list(lapply(1:3, fetch), folder, file)) {
    blocks <- nnae_row_blocks(source, rows = 100, label_names = colnames(data$y))
    model <- nnae_two_step(blocks, random_state = 0)
    expect_identical(model$n_rows, 300L)
    expect_identical(model$labels, colnames(data$y))
    best <- predict(model, data$x, k = 3)
    places <- as.integer(t(from_numpy_matrix(expected[0L]))) + 1L
    expect_equal(best$score, as.vector(t(from_numpy_matrix(expected[1L]))), tolerance = 1e-6)
    expect_gt(mean(match(best$label, model$labels) == places), 0.99)
    expect_equal(predict(model, blocks, k = 3), best, tolerance = 1e-6)
  }
  model <- nnae_two_step(nnae_row_blocks(fetch), random_state = 0)
  expect_identical(model$features, colnames(data$x))
  expect_output(print(model), "300 examples, 36 features, 36 labels")
})

test_that("blocks of labels alone are compressed, and audit a tree", {
  skip_if_no_nnae()
  data <- rows_of_labels()
  blocks <- nnae_row_blocks(list(list(y = data$y[1:120, ]), list(y = data$y[121:300, ])))
  expect_output(print(blocks), "^Row blocks in a list of 2\n36 labels: ")
  model <- nnae_autoencoder(blocks, c(8, 3), encoder = "linear", random_state = 0)
  whole <- nnae_autoencoder(data$y, c(8, 3), encoder = "linear", random_state = 0)
  expect_identical(model$n_rows, 300L)
  expect_equal(coef(model, 2), coef(whole, 2), tolerance = 1e-6)
  expect_equal(predict(model, data$y), predict(whole, data$y), tolerance = 1e-6)
  expect_equal(summary(model)$concepts$share, summary(whole)$concepts$share, tolerance = 1e-6)
  tree <- nnae_hierarchy(model)
  expect_identical(
    nnae_audit(tree, blocks, n_permutations = 20, random_state = 0)$frame,
    nnae_audit(tree, data$y, n_permutations = 20, random_state = 0)$frame
  )
  for (call in list(predict, fitted, augment)) {
    expect_error(call(model), "^the model holds no codes of its training rows: give `newdata`$")
  }
  step_one <- nnae_step_one(nnae_two_step(nnae_row_blocks(in_thirds(data)), random_state = 0))
  expect_identical(step_one$n_rows, 300L)
  expect_error(fitted(step_one), "^the model holds no codes")
})

test_that("factorisations and autoencoders of every loss sweep over blocks", {
  skip_if_no_nnae()
  data <- rows_of_labels()
  blocks <- nnae_row_blocks(list(list(y = data$y[1:120, ]), list(y = data$y[121:300, ])))
  folder <- tempfile("codes")
  model <- nnae_nmf(
    blocks, 6,
    loss = "kullback-leibler", random_state = 0, max_iter = 5, tol = 0, codes_folder = folder
  )
  expect_identical(model$n_rows, 300L)
  expect_identical(list.files(folder), "codes_1.npy")
  expect_false(is.unsorted(rev(model$loss_curve)))
  expect_equal(unname(predict(model, blocks)), unname(predict(model, data$y)), tolerance = 1e-6)
  deep <- nnae_autoencoder(blocks, c(8, 3), random_state = 0, tol = 1e-2)
  expect_identical(deep$loss_name, "bernoulli")
  expect_equal(dim(predict(deep, blocks, level = 2)), c(300L, 3L))
  expect_s3_class(nnae_hierarchy(deep), "nnae_hierarchy")
  expect_error(nnae_nmf(blocks, 6, codes_folder = 3), "^`codes_folder` must be one")
  expect_error(nnae_nmf(blocks, 6, codes_folder = folder), "must be new or empty")
})

test_that("blocks outlive a session, and so does a model of them", {
  skip_if_no_nnae()
  data <- rows_of_labels()
  folder <- nnae_write_blocks(in_thirds(data), tempfile("rows"))
  path <- tempfile(fileext = ".rds")
  blocks <- nnae_row_blocks(folder, rows = 70)
  model <- nnae_two_step(blocks, random_state = 0)
  saveRDS(list(blocks, model), path)
  restored <- readRDS(path)
  expect_identical(
    predict(restored[[2]], restored[[1]], k = 2, level = 2),
    predict(model, blocks, k = 2, level = 2)
  )
  expect_equal(
    nnae_evaluate(model, blocks, at = 2), nnae_evaluate(model, data$x, data$y, at = 2)
  )
  expect_error(nnae_evaluate(model, blocks, data$y), "^`y` must be NULL for row blocks$")
})

test_that("lists of names need the names of all labels", {
  skip_if_no_nnae()
  dishes <- list(list(y = list(c("egg", "flour"), "leek")), list(y = list("leek", "egg")))
  expect_error(nnae_row_blocks(dishes), "^`label_names` must be given where blocks hold lists")
  blocks <- nnae_row_blocks(dishes, label_names = c("egg", "flour", "leek"))
  model <- nnae_autoencoder(blocks, c(2, 1), encoder = "linear", random_state = 0)
  expect_identical(model$labels, c("egg", "flour", "leek"))
})

test_that("users' mistakes are told in one line", {
  skip_if_no_nnae()
  data <- rows_of_labels()
  blocks <- nnae_row_blocks(in_thirds(data))
  expect_error(nnae_row_blocks(3), "^`source` must be a path, a list of blocks or a function of a")
  expect_error(nnae_row_blocks("none.csv"), "^`source` must be a file or folder; there is no none")
  expect_error(nnae_row_blocks(list()), "^`source` must hold at least one block$")
  expect_error(nnae_row_blocks(list(data$y)), "^block 1 must be a list with y, and x where there")
  expect_error(nnae_row_blocks(in_thirds(data), rows = 1.5), "^`rows` must be one whole number")
  expect_error(nnae_row_blocks(in_thirds(data), text = "body"), "^unknown argument text$")
  expect_error(nnae_two_step(blocks, groups = 1:300), "^`groups` must be NULL for a fit over row")
  expect_error(nnae_two_step(blocks, colour = 3), "^unknown argument colour$")
  model <- nnae_two_step(blocks, random_state = 0)
  expect_error(predict(model, blocks, "labels"), "^`type` must be \"topk\" for row blocks; got")
  expect_error(predict(model), "^the model holds no features: give `newdata`")
  expect_error(
    nnae_autoencoder(blocks, encoder = "linear", sample_weight = 1),
    "^`sample_weight` must be NULL for a fit over row blocks$"
  )
  expect_error(
    nnae_autoencoder(blocks, encoder = "linear", mask = data$y), "^`mask` must be NULL for a fit"
  )
  expect_error(nnae_autoencoder(blocks, encoder = "relu"), "encoder='linear'")
  bad <- list(in_thirds(data)(1), list(x = data$x[1:3, 1:2], y = data$y[1:3, ]))
  expect_error(
    nnae_two_step(nnae_row_blocks(bad)), "block 2 .* has 2 features, those before have 36"
  )
  bad[[2]]$x <- replace(as.matrix(data$x[1:3, ]), 5, NA)
  expect_error(nnae_two_step(nnae_row_blocks(bad)), "`x of block 2` must not hold NA; row 2 does$")
  folder <- nnae_write_blocks(blocks, tempfile("rows"))
  expect_error(nnae_write_blocks(blocks, folder), basename(folder))
})
