test_that("defaults are those of the Python classes", {
  skip_if_no_nnae()
  inspect <- reticulate::import("inspect", convert = FALSE)
  for (pair in list(list(nnae_nmf, "NMF"), list(nnae_autoencoder, "NNAE"))) {
    signature <- inspect$signature(nnae_module()[[pair[[2]]]])$parameters
    names_in_python <- from_strings(signature)
    here <- formals(pair[[1]])
    ours <- c("y", "sample_weight", "mask", "propensities", "x", "sep", "...")
    expect_true(all(setdiff(names(here), ours) %in% names_in_python))
    for (name in intersect(names_in_python, names(here))) {
      default <- reticulate::py_to_r(signature$get(name)$default)
      expect_equal(eval(here[[name]]), default, info = paste(pair[[2]], name))
    }
  }
})

test_that("R and Python give the same bits", {
  skip_if_no_nnae()
  y <- planted_labels()
  model <- nnae_autoencoder(y, c(12, 3), random_state = 3, max_iter = 10, tol = 0)
  twin <- nnae_module()$NNAE(
    reticulate::tuple(12L, 3L),
    random_state = 3L, max_iter = 10L, tol = 0, n_threads = 1L
  )$fit(to_scipy(y))
  expect_identical(unname(coef(model)), from_numpy_matrix(twin$weights_[0L]))
  expect_identical(unname(coef(model, 2)), from_numpy_matrix(twin$concepts(2L)))
  expect_identical(unname(predict(model, level = 2)), from_numpy_matrix(twin$codes_[1L]))
  expect_identical(model$loss, as.double(reticulate::py_to_r(twin$loss_)))
})

test_that("names, codes and reconstructions hang together", {
  skip_if_no_nnae()
  y <- planted_labels()
  rownames(y) <- paste0("row", seq_len(nrow(y)))
  for (model in list(
    nnae_nmf(y, 6, random_state = 0, max_iter = 20, tol = 0),
    nnae_nmf(y, 6, loss = "frobenius", random_state = 0, max_iter = 20, tol = 0),
    nnae_autoencoder(y, c(12, 3), random_state = 0, max_iter = 5, tol = 0)
  )) {
    expect_identical(model$labels, colnames(y))
    expect_identical(dimnames(coef(model))[[2]], colnames(y))
    codes <- predict(model)
    expect_identical(dim(codes), c(nrow(y), model$widths[1]))
    expect_identical(rownames(codes), rownames(y))
    rates <- fitted(model, type = "rate")
    expect_equal(rates, codes %*% coef(model), tolerance = 1e-12)
    means <- fitted(model)
    expected <- if (model$loss_name == "bernoulli") 1 - exp(-rates) else rates
    expect_equal(means, expected, tolerance = 1e-12)
    expect_equal(residuals(model), as.matrix(y) - means)
    expect_equal(nrow(augment(model)), nrow(y))
    expect_equal(glance(model)$nobs, nrow(y))
    long <- tidy(model)
    first <- long[long$level == 1, ]
    expect_equal(sum(first$weight), sum(coef(model)))
    new <- predict(model, y[5:1, ])
    expect_identical(rownames(new), rownames(y)[5:1])
    expect_identical(new[1, ], predict(model, y[5, , drop = FALSE])[1, ])
    expect_identical(new, predict(model, y[5:1, rev(seq_len(ncol(y)))]))
    expect_true(all(predict(model, y[1:3, ], type = "response") >= 0))
  }
})

test_that("it separates what never occurs together", {
  skip_if_no_nnae()
  dishes <- rep(list(c("egg", "flour"), c("leek", "potato")), 10)
  model <- nnae_nmf(dishes, 2, random_state = 0)
  together <- coef(model)[, "egg"] > coef(model)[, "leek"]
  expect_identical(sum(together), 1L)
  expect_identical(together, coef(model)[, "flour"] > coef(model)[, "potato"])
  codes <- predict(model, list(soup = "leek"))
  expect_gt(codes["soup", which(!together)], codes["soup", which(together)])
})

test_that("printing, summaries and plots work", {
  skip_if_no_nnae()
  model <- nnae_autoencoder(planted_labels(), c(12, 3), random_state = 0, max_iter = 5, tol = 0)
  expect_output(print(model), "200 examples, 72 labels, concepts: 12, 3")
  expect_output(print(summary(model)), "Level 2, 3 concepts:")
  shares <- summary(model)$concepts
  expect_equal(as.vector(tapply(shares$share, shares$level, sum)), c(1, 1))
  file <- tempfile(fileext = ".pdf")
  grDevices::pdf(file)
  expect_invisible(plot(model))
  expect_invisible(plot(model, which = "loss"))
  expect_invisible(plot(model, level = 2, n = 2, top = 3))
  grDevices::dev.off()
  expect_gt(file.size(file), 4000)
})

test_that("users' mistakes are told in one line that names the argument", {
  skip_if_no_nnae()
  y <- planted_labels()
  expect_error(nnae_nmf(y, 2.5), "^`n_components` must be one whole number; got 2.5$")
  expect_error(nnae_nmf(y, 0), "^n_components must be .* got 0$")
  expect_error(nnae_nmf(y, 2, loss = "square"), "^loss must be .*square")
  expect_error(nnae_nmf(y, 2, init = list(1)), "^`init` must be one string or a list of two")
  expect_error(nnae_nmf(-y, 2), "^Y must be non-negative")
  expect_error(nnae_nmf(y, 2, sample_weight = 1), "^`sample_weight` must hold 200 numbers")
  expect_error(nnae_nmf(y[0, ], 2), "^Y must have at least one row")
  expect_error(nnae_autoencoder(y, c(3, 12)), "decrease")
  model <- nnae_nmf(y, 2, max_iter = 2, tol = 0, random_state = 0)
  expect_error(predict(model, level = 2), "^`level` must be between 1 and 1; got 2$")
  expect_error(predict(model, typ = "codes", kind = 1), "^unknown argument kind$")
  expect_error(predict(model, type = "labels"), "^`type` must be one of")
  expect_error(nnae_python(1), "^`x` must be a model of nnae; got numeric$")
})

test_that("Python's warnings are R's", {
  skip_if_no_nnae()
  expect_warning(nnae_autoencoder(list("a", c("a", "b"), "b"), c(40, 1), random_state = 0), "40")
})

test_that("a start, a callback and weights cross", {
  skip_if_no_nnae()
  y <- as.matrix(planted_labels())
  set.seed(1)
  start <- list(matrix(stats::runif(200 * 2), 200), matrix(stats::runif(2 * 72), 2))
  seen <- NULL
  model <- nnae_nmf(y, 2,
    init = start, max_iter = 3, tol = 0,
    callback = function(sweep, objective) seen <<- c(seen, objective)
  )
  expect_equal(seen, model$loss_curve)
  doubled <- nnae_nmf(y, 2, init = start, max_iter = 3, tol = 0, sample_weight = rep(2, 200))
  expect_equal(doubled$loss, 2 * model$loss)
})

test_that("one column and empty rows have defined results", {
  skip_if_no_nnae()
  one <- nnae_nmf(matrix(c(1, 0, 1), 3), 1, random_state = 0)
  expect_identical(dim(coef(one)), c(1L, 1L))
  expect_identical(unname(predict(one)[2, 1]), 0)
  expect_true(is.na(augment(one)$.strongest[2]))
})

test_that("features take part where they are asked for", {
  skip_if_no_nnae()
  planted <- nnae_dataset("label_hierarchy", n_samples = 200, random_state = 0)
  y <- planted$y
  x <- as.matrix(y) %*% outer(planted$groups, unique(planted$groups), "==") * 1
  train <- 1:150
  model <- nnae_autoencoder(y[train, ], c(12, 3),
    x = x[train, ], feature_weight = 0.5, random_state = 0, max_iter = 3, tol = 0
  )
  twin <- nnae_module()$NNAE(
    reticulate::tuple(12L, 3L),
    feature_weight = 0.5, random_state = 0L, max_iter = 3L, tol = 0
  )$fit(to_python_labels(y[train, ]), X = as_numpy(x[train, ], "x"))
  expect_identical(unname(coef(model)), from_numpy_matrix(twin$weights_[0L]))
  alone <- predict(model, x_new = x[-train, ])
  expect_identical(dim(alone), c(50L, 12L))
  both <- predict(model, y[-train, ], x_new = x[-train, ])
  expect_false(identical(unname(alone), unname(both)))
  expect_s3_class(nnae_hierarchy(model), "nnae_hierarchy")
  expect_s3_class(nnae_hierarchy(model, basis = "weights"), "nnae_hierarchy")
  plain <- nnae_nmf(y, 2, random_state = 0, max_iter = 2, tol = 0)
  expect_error(predict(plain, y, x_new = x), "^`x_new` is for nnae_autoencoder")
  expect_error(nnae_autoencoder(y, c(12, 3), feature_weight = 1), "X")
})

test_that("parameters of Python that have no argument here are passed on by name", {
  skip_if_no_nnae()
  y <- planted_labels()
  path <- tempfile("fit", fileext = ".part")
  model <- nnae_nmf(y, 2, random_state = 0, max_iter = 5, tol = 0, checkpoint = path)
  expect_true(file.exists(path))
  plain <- nnae_nmf(y, 2, random_state = 0, max_iter = 5, tol = 0)
  expect_identical(coef(model), coef(plain))
  again <- nnae_nmf(y, 2, random_state = 0, max_iter = 5, tol = 0, checkpoint = path)
  expect_identical(coef(again), coef(plain))
  expect_error(nnae_nmf(y, 2, colour = 3), "^unknown argument colour$")
  expect_error(nnae_autoencoder(y, colour = 3), "^unknown argument colour$")
  expect_identical(as.integer(as_parameter(3, "a")), 3L)
  expect_s3_class(as_parameter(c(1, 2), "a"), "numpy.ndarray")
  expect_true(reticulate::py_has_attr(as_parameter(y, "a"), "tocsr"))
  kind <- as_parameter(as.matrix(y) > 0, "a")$dtype$kind
  expect_identical(as.character(reticulate::py_to_r(kind)), "b")
  expect_error(as_parameter(c(1, NA), "odds"), "^`odds` must not hold NA; element 2 is$")
})

test_that("what Python has beside, R can pass with Python's default", {
  skip_if_no_nnae()
  inspect <- reticulate::import("inspect", convert = FALSE)
  y <- planted_labels()
  fits <- list(
    NMF = function(...) nnae_nmf(y, 2, max_iter = 2, tol = 0, random_state = 0, ...),
    NNAE = function(...) nnae_autoencoder(y, c(4, 2), max_iter = 1, tol = 0, random_state = 0, ...)
  )
  here <- list(NMF = formals(nnae_nmf), NNAE = formals(nnae_autoencoder))
  for (class_name in names(fits)) {
    signature <- inspect$signature(nnae_module()[[class_name]])$parameters
    beside <- setdiff(from_strings(signature), names(here[[class_name]]))
    defaults <- lapply(stats::setNames(beside, beside), function(name) {
      reticulate::py_to_r(signature$get(name)$default)
    })
    defaults <- defaults[!vapply(defaults, is.null, TRUE)]
    plain <- suppressWarnings(fits[[class_name]]())
    passed <- suppressWarnings(do.call(fits[[class_name]], defaults))
    expect_identical(coef(passed), coef(plain), info = class_name)
  }
})
