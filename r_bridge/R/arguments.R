# Arguments on their way to Python. R's numbers are floats there: counts are made integers here.
refuse <- function(...) stop(sprintf(...), call. = FALSE)

shown <- function(value) {
  if (is.null(value)) {
    return("NULL")
  }
  if (!is.atomic(value) || length(value) != 1) {
    return(sprintf("%s of length %d", class(value)[1], length(value)))
  }
  if (is.character(value)) dQuote(value, FALSE) else format(value)
}

check_count <- function(value, name) {
  ok <- is.numeric(value) && length(value) == 1 && is.finite(value) && value == round(value) &&
    abs(value) <= .Machine$integer.max
  if (!ok) refuse("`%s` must be one whole number; got %s", name, shown(value))
  as.integer(value)
}

check_count_or_null <- function(value, name) {
  if (is.null(value)) NULL else check_count(value, name)
}

check_number <- function(value, name) {
  if (!is.numeric(value) || length(value) != 1 || is.na(value)) {
    refuse("`%s` must be one number; got %s", name, shown(value))
  }
  as.double(value)
}

check_text <- function(value, name) {
  if (!is.character(value) || length(value) != 1 || is.na(value)) {
    refuse("`%s` must be one string; got %s", name, shown(value))
  }
  value
}

check_logical <- function(value, name) {
  if (!is.logical(value) || length(value) != 1 || is.na(value)) {
    refuse("`%s` must be TRUE or FALSE; got %s", name, shown(value))
  }
  value
}

check_choice <- function(value, name, choices) {
  if (identical(value, choices)) {
    return(choices[1])
  }
  check_text(value, name)
  if (!value %in% choices) {
    refuse("`%s` must be one of %s; got %s", name, toString(dQuote(choices, FALSE)), shown(value))
  }
  value
}

check_level <- function(level, widths) {
  level <- check_count(level, "level")
  if (level < 1 || level > length(widths)) {
    refuse("`level` must be between 1 and %d; got %d", length(widths), level)
  }
  level
}

check_widths <- function(value, name) {
  if (is.character(value)) {
    return(check_text(value, name))
  }
  reticulate::tuple(as.list(vapply(value, check_count, 1L, name = name)))
}

check_number_or_text <- function(value, name) {
  if (is.character(value)) check_text(value, name) else check_number(value, name)
}

# "random" and the like, or list(W, H): matrices to start from.
check_start <- function(value, name) {
  if (!is.list(value)) {
    return(check_text(value, name))
  }
  if (length(value) != 2 || !all(vapply(value, is.matrix, TRUE))) {
    refuse("`%s` must be one string or a list of two matrices; got %s", name, shown(value))
  }
  reticulate::tuple(lapply(unname(value), as_numpy, name = name))
}

# "random" and the like, or a list of such pairs, one a level.
check_starts <- function(value, name) {
  if (!is.list(value)) {
    return(check_text(value, name))
  }
  if (!all(vapply(value, is.list, TRUE))) {
    refuse("`%s` must be one string or one list of two matrices a level", name)
  }
  unname(lapply(value, check_start, name = name))
}

# NULL, one number, or several.
check_numbers <- function(value, name) {
  if (is.null(value)) {
    return(NULL)
  }
  if (!is.numeric(value) || !length(value) || anyNA(value)) {
    refuse("`%s` must be NULL or numbers; got %s", name, shown(value))
  }
  if (length(value) == 1) as.double(value) else as.list(as.double(value))
}

# Known cells of labels `y` and their propensities, for Python.
cells_of <- function(y, mask, propensities = NULL) {
  if (!is.null(mask)) {
    refuse_of_blocks(nrow(y), "mask")
    if (is.data.frame(mask)) mask <- as.matrix(mask)
    if (!identical(as.integer(dim(mask)), dim(y))) {
      refuse("`mask` must have %d rows and %d columns; got %s", nrow(y), ncol(y), shown(dim(mask)))
    }
    mask <- to_python_features(mask * 1, "mask")
  }
  if (!is.null(propensities)) {
    refuse_of_blocks(nrow(y), "propensities")
    propensities <- reticulate::np_array(as.double(check_numbers(propensities, "propensities")))
  }
  list(mask = mask, propensities = propensities)
}

# What a function of R is given by Python, as a value of R.
plain <- function(x) if (inherits(x, "python.builtin.object")) reticulate::py_to_r(x) else x

check_callback <- function(value, name) {
  if (!is.null(value) && !is.function(value)) {
    refuse("`%s` must be NULL or a function of sweep and objective; got %s", name, shown(value))
  }
  if (is.null(value)) {
    return(NULL)
  }
  function(sweep, objective) {
    value(as.integer(plain(sweep)), as.double(plain(objective)))
    NULL
  }
}

# NULL, a file, or Python's own Checkpoint.
check_checkpoint <- function(value) {
  if (is.null(value) || inherits(value, "python.builtin.object")) {
    return(value)
  }
  path.expand(check_text(value, "checkpoint"))
}

check_folder <- function(value, name) {
  if (!is.null(value)) path.expand(check_text(value, name))
}

# Without a number of rows these are rows in blocks, which take neither weights nor groups.
refuse_of_blocks <- function(rows, name) {
  if (is.null(rows)) refuse("`%s` must be NULL for a fit over row blocks", name)
}

check_sample_weight <- function(value, rows) {
  if (is.null(value)) {
    return(NULL)
  }
  refuse_of_blocks(rows, "sample_weight")
  if (!is.numeric(value) || length(value) != rows || anyNA(value)) {
    refuse("`sample_weight` must hold %d numbers; got %s", rows, shown(value))
  }
  reticulate::np_array(as.double(value))
}

# Groups of rows as numbers.
check_groups <- function(value, rows) {
  if (is.null(value)) {
    return(NULL)
  }
  refuse_of_blocks(rows, "groups")
  if (!is.atomic(value) || length(value) != rows || anyNA(value)) {
    refuse("`groups` must hold the groups of %d rows; got %s", rows, shown(value))
  }
  reticulate::np_array(as.integer(factor(value)))
}

# Parameters of Python's class, or of its fit, that have no argument of their own in R.
further_parameters <- function(given, class_name) {
  if (!length(given)) {
    return(list(class = list(), fit = list()))
  }
  if (is.null(names(given)) || !all(nzchar(names(given)))) {
    refuse("unknown argument without a name")
  }
  signature <- reticulate::import("inspect", convert = FALSE)$signature
  python_class <- nnae_module()[[class_name]]
  of_class <- from_strings(signature(python_class)$parameters)
  of_fit <- setdiff(from_strings(signature(python_class$fit)$parameters), c("self", "X", "Y", "y"))
  unknown <- setdiff(names(given), c(of_class, of_fit))
  if (length(unknown)) refuse("unknown argument %s", unknown[1])
  values <- Map(as_parameter, given, names(given))
  list(class = values[names(given) %in% of_class], fit = values[!names(given) %in% of_class])
}

as_parameter <- function(value, name) {
  if (is(value, "Matrix")) {
    to_scipy(as_dgc(value, name))
  } else if (is.matrix(value)) {
    matrix_parameter(value, name)
  } else if (is.numeric(value) && length(value) != 1) {
    vector_parameter(value, name)
  } else if (is.character(value) && length(value) != 1) {
    as.list(value)
  } else {
    whole_numbers(list(value))[[1]]
  }
}

matrix_parameter <- function(value, name) {
  if (is.logical(value) && !anyNA(value)) {
    return(reticulate::np_array(unname(value), dtype = "bool"))
  }
  as_numpy(value, name)
}

vector_parameter <- function(value, name) {
  if (anyNA(value)) refuse("`%s` must not hold NA; element %d is", name, which(is.na(value))[1])
  reticulate::np_array(as.double(value))
}

check_unused <- function(...) {
  if (...length()) {
    extra <- ...names()
    refuse("unknown argument %s", if (is.null(extra)) "without a name" else extra[1])
  }
}

check_names <- function(value, name) {
  if (!is.null(value) && (!is.character(value) || anyNA(value))) {
    refuse("`%s` must be NULL or character; got %s", name, shown(value))
  }
  if (is.null(value)) NULL else as.list(value)
}
