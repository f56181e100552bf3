# Turnout of every precinct, newest version. R 4, no packages.
# Rscript results.R https://results.example/api/v1/elections/ID
election <- commandArgs(trailingOnly = TRUE)[1]
rows <- read.csv(url(paste0(election, "/export/precincts.csv"), encoding = "UTF-8"))
precincts <- unique(rows[, c("unit", "registered", "identified")])
cat(nrow(precincts), "precincts,", sum(precincts$identified, na.rm = TRUE), "identified of", sum(precincts$registered), "\n")
