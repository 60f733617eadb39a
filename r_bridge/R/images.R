#' Features of pictures
#'
#' Turns picture files into a matrix that [nnae_two_step()] takes.
#'
#' Photographs are turned as their EXIF entry says, transparency lies on white, CMYK and palettes
#' become RGB, of an animation the first frame counts, 16 bits are cut to 8. What is damaged, cut
#' off or far too large is refused by name.
#'
#' @param images Paths of pictures.
#' @param backbone `"hog"`, outlines and colours, which needs no network; or the path of a network,
#'   `.tflite` or `.onnx`.
#' @param fit_by How a picture becomes one of the backbone's size: `"stretch"`, `"crop"` or `"pad"`.
#' @param cache NULL, or a folder that keeps features by the content of picture and backbone.
#' @return A matrix with a row for each picture.
#' @examples
#' if (nnae_available() && reticulate::py_module_available("skimage")) {
#'   file <- tempfile(fileext = ".png")
#'   grDevices::png(file)
#'   graphics::plot(1)
#'   grDevices::dev.off()
#'   dim(nnae_image_features(file))
#' }
#' @export
nnae_image_features <- function(images, backbone = "hog", fit_by = "stretch", cache = NULL) {
  features <- image_features(backbone, fit_by, cache)
  images <- check_paths(images, "images")
  found <- call_python(features$transform(as.list(images)))
  names <- from_strings(features$get_feature_names_out())
  from_numpy_matrix(found, list(unname(basename(images)), names))
}

image_features <- function(backbone, fit_by, cache) {
  call_python(nnae_module()$images$ImageFeatures(
    check_text(backbone, "backbone"),
    fit_by = check_text(fit_by, "fit_by"),
    cache = if (!is.null(cache)) path.expand(check_text(cache, "cache"))
  ))
}

check_paths <- function(value, name) {
  if (!is.character(value) || !length(value) || anyNA(value)) {
    refuse("`%s` must be paths of pictures; got %s", name, shown(value))
  }
  path.expand(value)
}

#' Explain a label by the regions of a picture
#'
#' What the score of a label loses when each region of a picture is taken away.
#'
#' @param model A fit of [nnae_two_step()] to features of [nnae_image_features()].
#' @param image Path of the picture.
#' @param label Name of the label, or its number; NULL is the best one.
#' @param backbone,fit_by As for [nnae_image_features()]: what made the features of the fit.
#' @param concept NULL, or the concept of `level`, by its number or name, whose code is explained
#'   instead of a label.
#' @param against NULL, or another label: why one rather than the other.
#' @param level Level of abstraction.
#' @param regions `"superpixels"` or `"grid"`.
#' @param n_regions About how many.
#' @param fill What a region becomes: `"blur"` or `"mean"`.
#' @param method `"occlusion"`, one region at a time, or `"shapley"`.
#' @param top Number of concepts and regions in the flow that `text` and `html` show.
#' @param hierarchy NULL, or the hierarchy of the model's compressor, to name concepts as it does.
#' @param random_state Seed of `"shapley"`.
#' @return An object of class `nnae_region_explanation`: a list with `name`, `score`, `base`,
#'   `residual`, the data frame `frame`, whose contributions add up to the score, the matrices
#'   `regions` and `heat`, the array `picture` (0 to 1), `text` and `html`.
#' @examples
#' if (nnae_available() && reticulate::py_module_available("skimage")) {
#'   draw <- function(colour) {
#'     file <- tempfile(fileext = ".png")
#'     grDevices::png(file, 96, 96)
#'     graphics::par(mar = c(0, 0, 0, 0))
#'     graphics::plot(stats::runif(1), stats::runif(1),
#'       pch = 15, cex = 4, col = colour, xlim = c(0, 1), ylim = c(0, 1), axes = FALSE
#'     )
#'     grDevices::dev.off()
#'     file
#'   }
#'   colours <- rep(c("red", "blue"), 10)
#'   files <- vapply(colours, draw, "")
#'   y <- cbind(red = colours == "red", blue = colours == "blue") + 0
#'   model <- nnae_two_step(nnae_image_features(files), y, random_state = 0)
#'   why <- nnae_region_explanation(model, files[1], "red", n_regions = 16)
#'   sum(why$frame$contribution) - why$score
#'   plot(why)
#' }
#' @export
nnae_region_explanation <- function(model, image, label = NULL, backbone = "hog",
                                    fit_by = "stretch", concept = NULL, against = NULL, level = 1,
                                    regions = "superpixels", n_regions = 40, fill = "blur",
                                    method = "occlusion", top = 5, hierarchy = NULL,
                                    random_state = 0) {
  check_two_step(model, "model")
  if (!is.null(hierarchy)) check_hierarchy(hierarchy, "hierarchy")
  found <- call_python(nnae_module()$images$region_explanation(
    nnae_python(model), image_features(backbone, fit_by, NULL),
    check_text(check_paths(image, "image"), "image"),
    if (!is.null(label)) check_label(label, "label", model$labels),
    concept = if (!is.null(concept)) check_concept(concept, model$widths, level),
    against = if (!is.null(against)) check_label(against, "against", model$labels),
    level = check_level(level, model$widths),
    regions = check_text(regions, "regions"),
    n_regions = check_count(n_regions, "n_regions"),
    fill = check_text(fill, "fill"),
    method = check_text(method, "method"),
    top = check_count(top, "top"),
    hierarchy = if (!is.null(hierarchy)) nnae_python(hierarchy),
    random_state = check_count(random_state, "random_state")
  ))
  value <- function(name) reticulate::py_to_r(found[[name]])
  pixels <- function(name) reticulate::py_to_r(found[[name]]$astype("float64")) / 255
  regions <- from_numpy_matrix(found$regions) + 1
  storage.mode(regions) <- "integer"
  frame <- from_pandas(found$frame)
  frame$region <- ifelse(frame$region < 0, NA_integer_, as.integer(frame$region) + 1L)
  structure(
    list(
      call = match.call(), name = value("name"), score = value("score"), base = value("base"),
      residual = value("residual"), method = value("method"), frame = frame,
      regions = regions, heat = from_numpy_matrix(found$heat), picture = pixels("picture"),
      marked = pixels("marked"),
      text = as.character(reticulate::py_to_r(found$to_text())),
      html = as.character(reticulate::py_to_r(found$`_repr_html_`()))
    ),
    class = "nnae_region_explanation"
  )
}

check_concept <- function(value, widths, level) {
  if (is.character(value)) {
    return(check_text(value, "concept"))
  }
  value <- check_count(value, "concept")
  width <- widths[check_level(level, widths)]
  if (value < 1 || value > width) refuse("`concept` must be between 1 and %d; got %d", width, value)
  value - 1L
}

#' Methods of explanations by regions
#'
#' @param x An explanation of [nnae_region_explanation()].
#' @param ... Unused.
#' @return `x`, invisibly; `plot` draws the picture and beside it its regions: blue is for the
#'   label, orange against.
#' @examples
#' # see nnae_region_explanation()
#' @name nnae_region_explanation_methods
NULL

#' @rdname nnae_region_explanation_methods
#' @export
#' @method print nnae_region_explanation
print.nnae_region_explanation <- function(x, ...) {
  check_unused(...)
  cat(x$text, "\n", sep = "")
  invisible(x)
}

#' @rdname nnae_region_explanation_methods
#' @export
plot.nnae_region_explanation <- function(x, ...) {
  check_unused(...)
  old <- graphics::par(mfrow = c(1, 2), mar = c(1, 1, 3, 1))
  on.exit(graphics::par(old))
  for (part in c("picture", "marked")) {
    pixels <- x[[part]]
    graphics::plot.new()
    graphics::plot.window(c(0, ncol(pixels)), c(0, nrow(pixels)), asp = 1)
    graphics::rasterImage(pixels, 0, 0, ncol(pixels), nrow(pixels))
    graphics::title(if (part == "picture") x$name else sprintf("score %.3g", x$score))
  }
  invisible(x)
}
