# Names of labels beside a plot: cut in the middle, where they are too long for the room there is.

shorten <- function(text, most) {
  long <- nchar(text) > most
  front <- ceiling((most - 1) / 2)
  back <- most - 1 - front
  text[long] <- paste0(
    substr(text[long], 1, front), "~", substring(text[long], nchar(text[long]) - back + 1)
  )
  text
}

# Width of a character in inches, on average.
character_inches <- function(cex) 0.65 * graphics::par("cin")[1] * graphics::par("cex") * cex

# Names that take at most half the figure, and the margin in inches that they need.
fit_names <- function(text, cex = 1) {
  inches <- character_inches(cex)
  line <- graphics::par("cin")[2] * graphics::par("cex")
  most <- max(6, min(40, floor((graphics::par("fin")[1] / 2 - 1.5 * line) / inches)))
  text <- shorten(text, most)
  list(names = text, margin = max(nchar(text, "width")) * inches + 1.5 * line)
}
