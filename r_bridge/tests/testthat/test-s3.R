# Every S3 method of the package, on a fitted object, on the same one after readRDS() in its state,
# and on what it cannot do. A method without a line here fails the first test.

# A small object of every class, made once.
objects_of_every_class <- function() {
  if (is.null(made$objects)) made$objects <- make_objects()
  made$objects
}

made <- new.env()

make_objects <- function() {
  y <- nnae_dataset("label_hierarchy", n_samples = 300, random_state = 0)$y
  even <- seq(2, ncol(y), 2)
  x <- y[, even]
  y <- y[, -even]
  compressor <- nnae_autoencoder(y, c(6, 2), random_state = 0, max_iter = 3, tol = 0)
  two_step <- nnae_two_step(
    x, y, compressor, nnae_learner("lm"),
    prefit = TRUE, profile = "fast", random_state = 0
  )
  ridge <- nnae_two_step(x, y, compressor, prefit = TRUE, profile = "fast", random_state = 0)
  hierarchy <- nnae_hierarchy(compressor)
  other <- nnae_hierarchy(nnae_nmf(y, 4, random_state = 0, max_iter = 5, tol = 0))
  answers <- expand.grid(item = 0:11, participant = paste0("P", 1:8))
  answers$condition <- ifelse((answers$item + as.integer(answers$participant)) %% 2, "tree", "none")
  answers$model <- ifelse(answers$item %/% 2 %% 2, "yes", "no")
  set.seed(1)
  answers$answer <- sample(c("yes", "no"), nrow(answers), replace = TRUE)
  answers <- cbind(
    answers,
    correct = as.integer(answers$answer == answers$model), study = "s", phase = "test", block = 1,
    trial = 1, example = "", label = "", confidence = 3, seconds = 5
  )
  simulation <- nnae_simulate_reader(
    ridge, hierarchy, x, y,
    n_repeats = 2, n_draws = 100, random_state = 0
  )
  list(
    nnae_compressor = compressor, nnae_two_step = ridge, nnae_hierarchy = hierarchy,
    nnae_learner = nnae_learner("lm"),
    nnae_row_blocks = nnae_row_blocks(list(list(x = x, y = y))),
    nnae_dependencies = nnae_dependencies(y),
    nnae_audit = nnae_audit(hierarchy, y, n_permutations = 20, random_state = 0),
    nnae_stability = nnae_stability(compressor, n_seeds = 2, n_bootstraps = 2, random_state = 0),
    nnae_comparison = nnae_compare_hierarchies(hierarchy, other),
    nnae_explanation = nnae_explain(ridge, x[1, , drop = FALSE], 1),
    nnae_simulation = simulation,
    nnae_study = nnae_analyse_study(answers),
    nnae_choose_rank = nnae_choose_rank(
      y, c(2, 4),
      max_iter = 5, tol = 0, n_folds = 2, n_seeds = 0, random_state = 0
    ),
    summary.nnae_compressor = summary(compressor), summary.nnae_two_step = summary(ridge),
    summary.nnae_hierarchy = summary(hierarchy),
    summary.nnae_dependencies = summary(nnae_dependencies(y)),
    learned_by_r = two_step
  )
}

# All methods, as "generic.class". Those that fit (nnae_two_step) have tests of their own.
methods_here <- function() {
  table <- getNamespaceInfo("nnae", "S3methods")
  found <- paste(table[, 1], table[, 2], sep = ".")
  sort(found[!startsWith(found, "nnae_two_step.")])
}

# What a method refuses: a call with x, and the line that it says. All others refuse arguments
# that they do not know.
refusals <- list(
  plot.nnae_compressor = list(quote(plot(x, which = "pie")), "^`which` must be one of"),
  plot.nnae_two_step = list(quote(plot(x, row = 0)), "^`row` must be between 1 and 300; got 0$"),
  plot.nnae_hierarchy = list(quote(plot(x, max_labels = "all")), "^`max_labels` must be one whole"),
  plot.nnae_dependencies = list(quote(plot(x, n = 1.5)), "^`n` must be one whole number; got 1.5$"),
  plot.nnae_explanation = list(quote(plot(x, n = NA)), "^`n` must be one whole number; got NA$"),
  plot.nnae_simulation = list(quote(plot(x, form = "odd")), "^`form` must be one of"),
  # these take arguments of R's plots alone, which warn
  plot.nnae_audit = list(quote(plot(x, metric = 3)), "metric.* is not a graphical parameter$"),
  plot.nnae_stability = list(quote(plot(x, level = 3)), "level.* is not a graphical parameter$"),
  plot.nnae_choose_rank = list(quote(plot(x, level = 3)), "level.* is not a graphical parameter$"),
  plot.nnae_study = list(quote(plot(x, level = 3)), "level.* is not a graphical parameter$"),
  print.nnae_dependencies = list(quote(print(x, n = "all")), "^`n` must be one whole number; got"),
  as.dendrogram.nnae_hierarchy = list(
    quote(as.dendrogram(x, hang = "down")), "^`hang` must be one number; got \"down\"$"
  )
)

# Methods of generics that live in packages which need not be here.
space_of <- function(generic) {
  switch(generic, as.igraph = "igraph", as.phylo = "ape", "nnae")
}

# For each method: its name, generic and class, and the generic itself; without those whose package
# is not here.
each_method <- function(use) {
  # regions of pictures need packages of pictures: test-images.R
  for (method in grep("region_explanation", methods_here(), value = TRUE, invert = TRUE)) {
    generic <- sub("[.](summary[.])?nnae_.*$", "", method)
    space <- space_of(generic)
    if (space == "nnae" || requireNamespace(space, quietly = TRUE)) {
      use(method, generic, substring(method, nchar(generic) + 2), asNamespace(space))
    }
  }
}

# What a method returns, as values: lines for what it prints or draws, edges for graphs.
result_of <- function(generic, x, space) {
  call <- get(generic, space)
  if (generic %in% c("print", "summary")) {
    return(capture.output(print(call(x)))) # a summary may hold the model, whose pointer is new
  }
  if (generic == "as.igraph") {
    return(igraph::as_data_frame(call(x), "both"))
  }
  if (generic != "plot") {
    return(call(x))
  }
  file <- tempfile(fileext = ".pdf")
  on.exit(unlink(file))
  grDevices::pdf(file, compress = FALSE)
  call(x)
  grDevices::dev.off()
  lines <- readLines(file, warn = FALSE)
  expect_gt(length(lines), 100)
  lines[!grepl("^/(CreationDate|ModDate)", lines)]
}

test_that("methods give the same on a fitted and on a restored object", {
  skip_if_no_nnae()
  objects <- objects_of_every_class()
  path <- tempfile(fileext = ".rds")
  saveRDS(objects, path)
  restored <- readRDS(path)
  unlink(path)
  each_method(function(method, generic, class, space) {
    expect_false(is.null(objects[[class]]), info = paste("no object to try", method, "on"))
    expect_identical(
      result_of(generic, restored[[class]], space), result_of(generic, objects[[class]], space),
      info = method
    )
  })
  expect_identical(predict(restored$learned_by_r), predict(objects$learned_by_r))
  expect_error(coef(restored$learned_by_r), "^step two, RRegressor, has no coefficients$")
})

test_that("methods say in one line what they refuse", {
  skip_if_no_nnae()
  objects <- objects_of_every_class()
  each_method(function(method, generic, class, space) {
    refusal <- refusals[[method]]
    if (is.null(refusal)) {
      call <- as.call(list(as.name(generic), quote(x), colour = 3))
      refusal <- list(call, "^unknown argument colour$")
    }
    environment <- list2env(list(x = objects[[class]]), parent = space)
    grDevices::pdf(NULL)
    said <- tryCatch(
      {
        capture.output(eval(refusal[[1]], environment))
        "nothing"
      },
      error = conditionMessage, warning = conditionMessage, finally = grDevices::dev.off()
    )
    expect_match(said, refusal[[2]], info = method)
  })
})

test_that("new data of another kind is refused by every method that takes some", {
  skip_if_no_nnae()
  objects <- objects_of_every_class()
  model <- objects$nnae_two_step
  compressor <- objects$nnae_compressor
  expect_error(predict(model, "text"), "^`newdata` must be a matrix or one of package Matrix; got")
  expect_error(predict(model, matrix(1, 2, 3)), "^`newdata` has 3 columns, the model has 36$")
  expect_error(augment(model, list(1)), "^`newdata` must be a matrix or one of package Matrix; got")
  expect_error(predict(compressor, matrix(1, 2, 3)), "^`newdata` has 3 columns, the model has 36$")
  expect_error(augment(compressor, matrix("a", 1, 36)), "^`newdata` must hold numbers")
  expect_error(nnae_error_budget(model, model$x[1:3, ], matrix(1, 3, 2)), "^`y` has 2 columns")
  loaded <- nnae_load(nnae_save(model, tempfile(fileext = ".nnae")))
  for (call in list(fitted, predict, summary)) {
    said <- tryCatch(call(loaded), error = conditionMessage)
    if (is.character(said)) expect_match(said, "^the model holds no features: give `newdata`")
  }
  expect_error(residuals(loaded), "^the model holds no labels of its training rows$")
  expect_error(residuals(nnae_step_one(loaded)), "^the model holds no labels of its training rows$")
  compact <- nnae_load(nnae_save(model, tempfile(fileext = ".nnae"), compact = TRUE))
  expect_equal(
    predict(compact, model$x[1:20, ], "scores"), predict(model, model$x[1:20, ], "scores"),
    tolerance = 0.01
  )
})
