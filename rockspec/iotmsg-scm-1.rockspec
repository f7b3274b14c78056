rockspec_format = "3.0"
package = "iotmsg"
version = "scm-1"
source = { url = "git+file://." }
description = {
  summary = "Sends a message from a server to an IoT device through the clouds people use",
  license = "MIT",
}
dependencies = { "lua >= 5.1, < 5.5", "lua-cjson" }
-- libcurl and OpenSSL are found by pkg-config, as the Makefile asks it; luarocks does not look where Debian keeps
-- their headers.
-- The list of sources stands once, in the Makefile.
build = {
  type = "make",
  build_target = "core",
  install_target = "install-files",
  build_variables = {
    LUA = "$(LUA)",
    LUA_ABI = "$(LUA_VERSION)",
    LUA_INCDIR = "$(LUA_INCDIR)",
    CFLAGS = "$(CFLAGS)",
  },
  install_variables = {
    LUA = "$(LUA)",
    LUA_ABI = "$(LUA_VERSION)",
    LUA_LIBDIR = "$(LIBDIR)",
    LUADIR = "$(LUADIR)",
    BINDIR = "$(BINDIR)",
  },
}
