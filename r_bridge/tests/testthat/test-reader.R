read_model <- function() {
  planted <- nnae_dataset("label_hierarchy", n_samples = 600, random_state = 0)
  y <- planted$y
  train <- 1:300
  step_one <- nnae_autoencoder(y[train, ], c(12, 3), random_state = 0)
  model <- nnae_two_step(y[train, ], y[train, ], step_one, random_state = 0, profile = "fast")
  list(model = model, tree = nnae_hierarchy(model), new = y[-train, ])
}

test_that("simulated readers are those of Python, and a report has its methods", {
  skip_if_no_nnae()
  data <- read_model()
  report <- nnae_simulate_reader(
    data$model, data$tree, data$new, data$new,
    n_repeats = 3, n_draws = 100, random_state = 0
  )
  twin <- nnae_module()$simulate_reader(
    nnae_python(data$model), nnae_python(data$tree), to_scipy(data$new), to_scipy(data$new),
    n_repeats = 3L, n_draws = 100L, random_state = 0L
  )
  expect_identical(report$frame, from_pandas(twin$frame))
  expect_output(print(report), "simulated readers")
  expect_identical(tidy(report), report$frame)
  expect_true(glance(report)$tree > 0.4 && glance(report)$tree <= 1)
  pdf <- tempfile(fileext = ".pdf")
  grDevices::pdf(pdf)
  expect_invisible(plot(report))
  grDevices::dev.off()
  expect_gt(file.size(pdf), 3500)
  expect_error(nnae_simulate_reader(1, data$tree, data$new, data$new), "^`model` must come from")
  expect_error(nnae_simulate_reader(data$model, data$tree, data$new, data$new[1:3, ]), "rows")
})

test_that("a questionnaire is written and answers are analysed", {
  skip_if_no_nnae()
  data <- read_model()
  path <- tempfile(fileext = ".html")
  if (reticulate::py_module_available("jinja2")) {
    written <- nnae_reader_study(data$model, data$tree, data$new, path, random_state = 1)
    expect_identical(written, path)
    expect_gt(file.size(path), 20000)
  }
  set.seed(1)
  answers <- expand.grid(item = 0:23, participant = paste0("P", 1:20))
  answers$condition <- ifelse((answers$item + as.integer(answers$participant)) %% 2, "tree", "none")
  answers$model <- ifelse(answers$item %/% 2 %% 2, "yes", "no")
  right <- stats::runif(nrow(answers)) < ifelse(answers$condition == "tree", 0.85, 0.55)
  answers$answer <- ifelse(right == (answers$model == "yes"), "yes", "no")
  answers <- cbind(
    answers,
    correct = as.integer(right), study = "s", phase = "test", block = 1, trial = 1,
    example = "", label = "", confidence = 3, seconds = 5
  )
  report <- nnae_analyse_study(answers)
  expect_true(report$helpful)
  found <- report$conditions
  shares <- tapply(right, answers$condition, mean)
  expect_equal(found$accuracy, as.vector(shares[found$condition]))
  expect_setequal(tidy(report)$method, c("gee", "mixed"))
  expect_identical(glance(report)$n_participants, 20L)
  expect_output(print(report), "tree")
  pdf <- tempfile(fileext = ".pdf")
  grDevices::pdf(pdf)
  expect_invisible(plot(report))
  grDevices::dev.off()
  expect_gt(file.size(pdf), 3500)
  expect_error(nnae_analyse_study(3), "^`csv` must be paths or a data frame")
})

test_that("power rises with people", {
  skip_if_no_nnae()
  power <- nnae_power_study(c(8, 60), 24, 0.15, n_simulations = 200)
  expect_gt(power$power[2], power$power[1])
  expect_identical(power$n_participants, c(8L, 60L))
  expect_error(nnae_power_study(8, 24, 2), "^baseline \\+ effect must be")
})
