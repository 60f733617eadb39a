#' Rows in blocks, for more of them than memory holds
#'
#' Blocks are read one after another, as often as a fit needs them; what is held grows with the
#' labels and the features, not with the rows. [nnae_two_step()], [nnae_nmf()],
#' [nnae_autoencoder()], `predict()` of what they return and [nnae_audit()] take them.
#'
#' @param source A file of any format of [nnae_read()]; a folder of `nnae_write_blocks`; a list of
#'   blocks; or a function of a number that returns the block of that number, from 1 on, and NULL
#'   past the last one, such as one that queries a database. A block is a list with `y`, labels in
#'   any form that [nnae_nmf()] takes, and `x`, features of the same rows (a matrix or one of
#'   package Matrix), or without `x` where there are none.
#' @param rows Rows of a block, of files and folders.
#' @param format Format of a file, as for [nnae_read()].
#' @param label_names NULL, or the names of all labels in order; needed where blocks hold lists of
#'   names. Without it the names are those of the columns of the first block, or the file's.
#' @param ... Options of the file's format, as for [nnae_read()].
#' @param blocks Row blocks, or anything that `source` may be.
#' @param path Folder to write; it must not exist, and appears whole or not at all.
#' @param x Row blocks.
#' @return `nnae_row_blocks`: an object of class `nnae_row_blocks`, which `saveRDS()` keeps; files
#'   are read when they are needed. `nnae_write_blocks`: the path, invisibly.
#' @examples
#' if (nnae_available()) {
#'   y <- nnae_dataset("label_hierarchy", n_samples = 300, random_state = 0)$y
#'   even <- seq(2, ncol(y), 2)
#'   part <- function(i) {
#'     rows <- seq(100 * i - 99, 100 * i)
#'     if (i <= 3) list(x = y[rows, even], y = y[rows, -even])
#'   }
#'   folder <- tempfile("rows")
#'   nnae_write_blocks(part, folder)
#'   blocks <- nnae_row_blocks(folder, rows = 50)
#'   model <- nnae_two_step(blocks, random_state = 0)
#'   head(predict(model, blocks, k = 2), 4)
#' }
#' @export
nnae_row_blocks <- function(source, rows = 65536, format = "auto", label_names = NULL, ...) {
  if (inherits(source, "nnae_row_blocks")) {
    return(source)
  }
  rows <- check_count(rows, "rows")
  format <- check_text(format, "format")
  check_names(label_names, "label_names")
  feature_names <- NULL
  if (is.character(source)) {
    source <- path.expand(check_text(source, "source"))
    if (!file.exists(source)) refuse("`source` must be a file or folder; there is no %s", source)
    source <- normalizePath(source)
  } else {
    check_unused(...)
    first <- block_at(source, 1L)
    if (is.null(first)) refuse("`source` must hold at least one block")
    check_block(first, 1L)
    if (is.null(label_names)) label_names <- names_of_block(first)
    feature_names <- colnames(first$x)
  }
  structure(
    list(
      call = match.call(), source = source, rows = rows, format = format,
      label_names = label_names, feature_names = feature_names, options = list(...)
    ),
    class = "nnae_row_blocks"
  )
}

#' @rdname nnae_row_blocks
#' @export
nnae_write_blocks <- function(blocks, path) {
  path <- path.expand(check_text(path, "path"))
  blocks <- python_blocks(nnae_row_blocks(blocks))
  call_python(nnae_module()$io$write_blocks(path, blocks))
  invisible(path)
}

#' @rdname nnae_row_blocks
#' @export
#' @method print nnae_row_blocks
print.nnae_row_blocks <- function(x, ...) {
  check_unused(...)
  where <- if (is.character(x$source)) {
    sprintf("of %s, %d rows each", basename(x$source), x$rows)
  } else if (is.function(x$source)) {
    "made by a function"
  } else {
    sprintf("in a list of %d", length(x$source))
  }
  labels <- x$label_names
  cat("Row blocks ", where, "\n", sep = "")
  if (!is.null(labels)) {
    cat(sprintf("%d labels: %s%s\n", length(labels), toString(head(labels, 4)),
      if (length(labels) > 4) ", ..." else ""
    ))
  }
  invisible(x)
}

# The block of a number, or NULL past the last one.
block_at <- function(source, number) {
  if (is.function(source)) {
    return(source(number))
  }
  if (!is.list(source) || is.data.frame(source)) {
    refuse(
      "`source` must be a path, a list of blocks or a function of a number; got %s", shown(source)
    )
  }
  if (number <= length(source)) source[[number]]
}

check_block <- function(block, number) {
  if (!is.list(block) || is.null(block$y)) {
    refuse("block %d must be a list with y, and x where there are features", number)
  }
}

names_of_block <- function(block) {
  y <- block$y
  if (inherits(y, "transactions") || is.data.frame(y)) y <- as_label_matrix(y, "y")
  names <- if (length(dim(y)) == 2) colnames(y)
  if (is.null(names) && is.null(dim(y))) {
    refuse("`label_names` must be given where blocks hold lists of names")
  }
  names
}

# A block as Python's pair of features and labels.
python_block <- function(block, number, label_names) {
  check_block(block, number)
  y <- as_label_matrix(block$y, sprintf("y of block %d", number), known = label_names)
  x <- block$x
  if (is.data.frame(x)) x <- as.matrix(x)
  features <- if (!is.null(x)) to_python_features(x, sprintf("x of block %d", number))
  reticulate::tuple(features, to_scipy(y))
}

python_blocks <- function(blocks) {
  names <- if (!is.null(blocks$label_names)) as.list(blocks$label_names)
  make <- nnae_module()$io$row_blocks
  if (is.character(blocks$source)) {
    arguments <- list(
      blocks$source,
      rows = blocks$rows, format = blocks$format, label_names = names
    )
    return(call_python(do.call(make, c(arguments, whole_numbers(blocks$options)))))
  }
  source <- reticulate::py_run_string(
    paste(
      "def passes_over(block_at):",
      "    from itertools import count, takewhile",
      "    return lambda: takewhile(lambda block: block is not None, map(block_at, count(1)))",
      sep = "\n"
    ),
    local = TRUE, convert = FALSE
  )
  fetch <- function(number) {
    number <- as.integer(plain(number))
    block <- block_at(blocks$source, number)
    if (!is.null(block)) python_block(block, number, blocks$label_names)
  }
  call_python(make(source$passes_over(fetch), label_names = names))
}
