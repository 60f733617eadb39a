expected <- Matrix::sparseMatrix(
  i = c(1, 1, 3), j = c(1, 2, 2), x = 1, dims = c(3, 2), dimnames = list(NULL, c("egg", "leek"))
)

test_that("lists, text, list columns and matrices give the same labels", {
  sets <- list(c("leek", "egg", "egg"), character(), "leek")
  expect_identical(as_label_matrix(sets), expected)
  expect_identical(as_label_matrix(c("leek, egg", "", "leek")), expected)
  expect_identical(as_label_matrix(c("leek|egg", "", "leek"), sep = "|"), expected)
  expect_identical(as_label_matrix(factor(c("leek, egg", "", "leek"))), expected)
  frame <- data.frame(id = 1:3)
  frame$labels <- sets
  expect_identical(as_label_matrix(frame["labels"]), expected)
  expect_identical(as_label_matrix(list(factor(c("egg", "leek")), NULL, "leek")), expected)
  expect_identical(as_label_matrix(as.matrix(expected)), expected)
  expect_identical(as_label_matrix(as.matrix(expected) == 1), expected)
  expect_identical(as_label_matrix(data.frame(egg = c(1L, 0L, 0L), leek = c(1, 0, 1))), expected)
})

test_that("names of rows stay, and labels sort by code point as in Python", {
  named <- as_label_matrix(list(first = "b", second = c("B", "\u00e9", "a")))
  expect_identical(dimnames(named), list(c("first", "second"), c("B", "a", "b", "\u00e9")))
  frame <- data.frame(a = 1, b = 0, row.names = "soup")
  expect_identical(rownames(as_label_matrix(frame)), "soup")
  expect_null(rownames(as_label_matrix(data.frame(a = 1))))
})

test_that("a model's labels decide the columns", {
  expect_warning(
    found <- as_label_matrix(list(c("leek", "rice")), known = c("egg", "leek")),
    "^1 labels were not seen in training and are ignored, such as \"rice\"$"
  )
  expect_identical(as.vector(as.matrix(found)), c(0, 1))
  swapped <- as_label_matrix(expected[, 2:1], known = c("egg", "leek"))
  expect_identical(swapped, expected)
  expect_error(
    as_label_matrix(matrix(1, 1, 3), "newdata", known = c("egg", "leek")),
    "^`newdata` has 3 columns, the model has 2$"
  )
  odd <- matrix(1, 1, 2, dimnames = list(NULL, c("egg", "rice")))
  expect_error(as_label_matrix(odd, "newdata", known = c("egg", "leek")), "\"rice\" is not one$")
})

test_that("wrong labels are refused in one line that names the argument", {
  expect_error(as_label_matrix(c("a", NA)), "^`y` must not hold NA; element 2 is$")
  expect_error(as_label_matrix(list("a", NA_character_)), "^`y` must not hold NA; element 2 does$")
  expect_error(as_label_matrix(list("a", 1)), "^`y` must hold character vectors; element 2 is 1$")
  expect_error(as_label_matrix(data.frame(a = 1, b = "x")), "column \"b\" is a character$")
  expect_error(as_label_matrix(data.frame(a = c(1, NA), b = 0)), "^`y` must not hold NA; row 2")
  expect_error(as_label_matrix(sum), "^`y` must be a matrix")
})
