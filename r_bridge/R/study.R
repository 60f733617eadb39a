#' Ask people: a questionnaire, its analysis, and its size
#'
#' `nnae_reader_study` writes a page that measures whether people foresee the model better with the
#' tree; it works without a network and saves answers as CSV. `nnae_analyse_study` analyses such
#' answers; `nnae_power_study` tells how many people a study needs.
#'
#' @param model A fit of [nnae_two_step()].
#' @param hierarchy A hierarchy of its labels.
#' @param examples Features of examples that trained neither.
#' @param path File to write.
#' @param images NULL, or paths of pictures, one an example.
#' @param texts NULL, or a text for each example.
#' @param feature_names NULL, or names of the features; without `texts` the largest are shown.
#' @param example_names NULL, or names for the answers' column `example`.
#' @param conditions Some of `"none"`, `"tree"`, `"shuffled_tree"`.
#' @param design `"within"`: everybody sees all conditions; `"between"`: everybody one.
#' @param n_items Items a participant.
#' @param n_practice Practice items a part.
#' @param n_revealed Labels shown of each example.
#' @param top_k NULL: decisions are the predicted labels; or the best so many.
#' @param title,introduction,text_title Texts of the page; NULL for `introduction` takes its own.
#' @param random_state Seed, a whole number, or NULL.
#' @param csv Paths of answers, or a data frame of them.
#' @param n_participants Numbers of participants, one row each.
#' @param effect Difference in accuracy that the tree makes.
#' @param baseline Accuracy without it.
#' @param participant_sd,item_sd,effect_sd Standard deviations on the scale of log odds.
#' @param alpha Level of the test.
#' @param n_simulations Simulated studies a row.
#' @param x,object A report of `nnae_analyse_study`.
#' @param ... Passed on by `plot` to [plot()]; else unused.
#' @return `nnae_reader_study`: the path, invisibly. `nnae_analyse_study`: an object of class
#'   `nnae_study`, a list with the data frames `conditions`, `effects` and `participants`, `verdict`
#'   and `helpful`; `tidy` returns the effects, `glance` one row. `nnae_power_study`: a data frame
#'   with the power of each size.
#' @examples
#' if (nnae_available()) {
#'   nnae_power_study(c(10, 40), 24, 0.1, n_simulations = 200)
#' }
#' @name nnae_reader_study
NULL

#' @rdname nnae_reader_study
#' @export
nnae_reader_study <- function(model, hierarchy, examples, path, images = NULL, texts = NULL,
                              feature_names = NULL, example_names = NULL,
                              conditions = c("none", "tree"), design = "within", n_items = 24,
                              n_practice = 2, n_revealed = 2, top_k = NULL,
                              title = "What will the model choose?", introduction = NULL,
                              text_title = "The example in words", random_state = 0) {
  check_two_step(model, "model")
  check_hierarchy(hierarchy, "hierarchy")
  features <- encode_features(model$encoding, examples, "examples")
  arguments <- list(
    nnae_python(model), nnae_python(hierarchy), to_python_features(features, "examples"),
    path.expand(check_text(path, "path")),
    images = check_names(images, "images"),
    texts = check_names(texts, "texts"),
    feature_names = check_names(feature_names, "feature_names"),
    example_names = check_names(example_names, "example_names"),
    conditions = reticulate::tuple(as.list(conditions)),
    design = check_text(design, "design"),
    n_items = check_count(n_items, "n_items"),
    n_practice = check_count(n_practice, "n_practice"),
    n_revealed = check_count(n_revealed, "n_revealed"),
    top_k = check_count_or_null(top_k, "top_k"),
    title = check_text(title, "title"),
    introduction = if (!is.null(introduction)) check_text(introduction, "introduction"),
    text_title = check_text(text_title, "text_title"),
    random_state = check_count_or_null(random_state, "random_state")
  )
  call_python(do.call(nnae_module()$reader_study, arguments))
  invisible(path)
}

#' @rdname nnae_reader_study
#' @export
nnae_analyse_study <- function(csv) {
  if (is.data.frame(csv)) {
    file <- tempfile(fileext = ".csv")
    on.exit(unlink(file))
    utils::write.csv(csv, file, row.names = FALSE)
    csv <- file
  } else if (!is.character(csv) || anyNA(csv)) {
    refuse("`csv` must be paths or a data frame; got %s", shown(csv))
  }
  report <- call_python(nnae_module()$analyse_study(as.list(path.expand(csv))))
  structure(
    list(
      conditions = from_pandas(report$conditions), effects = from_pandas(report$effects),
      participants = from_pandas(report$participants),
      verdict = as.character(reticulate::py_to_r(report$verdict)),
      helpful = isTRUE(reticulate::py_to_r(report$helpful))
    ),
    class = "nnae_study"
  )
}

#' @rdname nnae_reader_study
#' @export
nnae_power_study <- function(n_participants, n_items, effect, baseline = 0.65,
                             participant_sd = 0.5, item_sd = 0.5, effect_sd = 0,
                             design = "within", alpha = 0.05, n_simulations = 2000,
                             random_state = 0) {
  sizes <- lapply(n_participants, check_count, name = "n_participants")
  from_pandas(call_python(nnae_module()$power_study(
    sizes, check_count(n_items, "n_items"), check_number(effect, "effect"),
    baseline = check_number(baseline, "baseline"),
    participant_sd = check_number(participant_sd, "participant_sd"),
    item_sd = check_number(item_sd, "item_sd"),
    effect_sd = check_number(effect_sd, "effect_sd"),
    design = check_text(design, "design"),
    alpha = check_number(alpha, "alpha"),
    n_simulations = check_count(n_simulations, "n_simulations"),
    random_state = check_count_or_null(random_state, "random_state")
  )))
}

#' @rdname nnae_reader_study
#' @export
#' @method print nnae_study
print.nnae_study <- function(x, ...) {
  check_unused(...)
  cat(strwrap(x$verdict, 80), "", sep = "\n")
  print(x$conditions, digits = 3, row.names = FALSE)
  invisible(x)
}

#' @rdname nnae_reader_study
#' @export
#' @method summary nnae_study
summary.nnae_study <- function(object, ...) {
  check_unused(...)
  glance(object)
}

#' @rdname nnae_reader_study
#' @rawNamespace S3method(tidy, nnae_study)
tidy.nnae_study <- function(x, ...) {
  check_unused(...)
  x$effects
}

#' @rdname nnae_reader_study
#' @rawNamespace S3method(glance, nnae_study)
glance.nnae_study <- function(x, ...) {
  check_unused(...)
  data.frame(
    helpful = x$helpful, n_participants = length(unique(x$participants$participant)),
    n_answers = sum(x$conditions$answers)
  )
}

#' @rdname nnae_reader_study
#' @export
plot.nnae_study <- function(x, ...) {
  table <- x$conditions
  plot_intervals(
    table$accuracy, table$ci_low, table$ci_high, gsub("_", " ", table$condition),
    xlab = "right answers", ...
  )
  graphics::abline(v = 0.5, lty = 3)
  invisible(x)
}
