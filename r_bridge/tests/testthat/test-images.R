test_that("pictures become features, and scores go back to regions", {
  skip_if_no_nnae()
  skip_if_not(reticulate::py_module_available("skimage"), "scikit-image is missing")
  draw <- function(colour, at) {
    file <- tempfile(fileext = ".png")
    grDevices::png(file, 96, 96)
    graphics::par(mar = c(0, 0, 0, 0))
    graphics::plot(at, at, pch = 15, cex = 4, col = colour, xlim = 0:1, ylim = 0:1, axes = FALSE)
    grDevices::dev.off()
    file
  }
  colours <- rep(c("red", "blue"), 8)
  files <- mapply(draw, colours, rep(c(0.25, 0.75), each = 2, times = 4))
  x <- nnae_image_features(files)
  expect_identical(dim(x), c(16L, 3940L))
  expect_identical(rownames(x), unname(basename(files)))
  y <- cbind(red = colours == "red", blue = colours == "blue") + 0
  model <- nnae_two_step(x, y, random_state = 0)
  why <- nnae_region_explanation(model, files[1], "red", n_regions = 16)
  expect_equal(sum(why$frame$contribution), why$score, tolerance = 1e-6)
  expect_identical(dim(why$heat), c(64L, 64L))
  expect_identical(range(why$regions), c(1L, sum(why$frame$kind == "region")))
  expect_output(print(why), "red", fixed = TRUE)
  explain <- function(concept) {
    nnae_region_explanation(model, files[1],
      concept = concept, n_regions = 9, top = 1, hierarchy = nnae_hierarchy(model)
    )
  }
  code <- explain(1)
  expect_equal(sum(code$frame$contribution), code$score, tolerance = 1e-6)
  expect_false(code$name %in% colnames(y))
  expect_equal(explain(code$name)$score, code$score)
  expect_error(explain(9), "`concept` must be between 1 and 2; got 9")
  grDevices::pdf(NULL)
  expect_invisible(plot(why))
  grDevices::dev.off()
  expect_error(nnae_image_features(1), "`images` must be paths of pictures; got")
  expect_error(nnae_image_features("gone.png"), "gone.png: No such file", fixed = TRUE)
})
