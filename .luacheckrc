std = "min"
max_line_length = 120
codes = true
files["spec"] = { std = "min+busted" }
files["lua/iotmsg/host/nginx.lua"] = { read_globals = { "ngx" } }
