module hailstream.example/open-loop

go 1.26.0
