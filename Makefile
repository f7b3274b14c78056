# iotmsg: GNU make. `make print` shows every knob with its value; each can be set on the command line.

LUA        ?= lua5.4
CC         ?= cc
PKG_CONFIG ?= pkg-config
BUSTED     ?= busted
LUACHECK   ?= luacheck
CLANG_FORMAT ?= clang-format

# Debian's names, by what they are for. `make` installs what is missing when it runs as root.
BUILD_PACKAGES ?= gcc libc6-dev pkg-config libcurl4-openssl-dev libssl-dev ca-certificates \
                  lua5.4 liblua5.4-dev lua5.1 liblua5.1-0-dev luajit2 lua-cjson
EMULATOR_PACKAGES ?= lua-http lua-luaossl lua-cqueues mosquitto mosquitto-clients
TEST_PACKAGES  ?= lua-busted lua-check clang clang-format libclang-rt-14-dev llvm curl git procps \
                  nginx-light binutils luarocks

# The Lua that is built for: its ABI (LuaJIT has 5.1's) decides the directory, its pkg-config module the headers.
LUA_ABI  ?= $(shell $(LUA) -e 'io.write(_VERSION:match("%d%.%d"))' 2>/dev/null)
LUA_PC   ?= $(if $(filter 5.1,$(LUA_ABI)),lua5.1,lua$(LUA_ABI))
BUILD    ?= build/$(LUA_ABI)

PREFIX   ?= /usr/local
DESTDIR  ?=
LUA_LIBDIR ?= $(PREFIX)/lib/lua/$(LUA_ABI)
LUADIR   ?= $(PREFIX)/share/lua/$(LUA_ABI)
BINDIR   ?= $(PREFIX)/bin

CFLAGS   ?= -O2 -g
WARNINGS ?= -Wall -Wextra -Werror
LDFLAGS  ?=
LUA_CFLAGS     ?= $(if $(LUA_INCDIR),-I$(LUA_INCDIR),$(shell $(PKG_CONFIG) --cflags $(LUA_PC)))
CURL_CFLAGS    ?= $(if $(CURL_INCDIR),-I$(CURL_INCDIR),$(shell $(PKG_CONFIG) --cflags libcurl))
CURL_LIBS      ?= $(if $(CURL_LIBDIR),-L$(CURL_LIBDIR) -lcurl,$(shell $(PKG_CONFIG) --libs libcurl))
OPENSSL_CFLAGS ?= $(if $(OPENSSL_INCDIR),-I$(OPENSSL_INCDIR),$(shell $(PKG_CONFIG) --cflags openssl))
OPENSSL_LIBS   ?= $(if $(OPENSSL_LIBDIR),-L$(OPENSSL_LIBDIR) -lssl -lcrypto,$(shell $(PKG_CONFIG) --libs openssl))

SOURCES     := $(sort $(wildcard csrc/*/*.c))
HEADERS     := $(sort $(wildcard csrc/*/*.h))
LUA_SOURCES := $(patsubst ./%,%,$(shell cd lua 2>/dev/null && find . -name '*.lua' | sort))
OBJECTS     := $(SOURCES:csrc/%.c=$(BUILD)/obj/%.o)
CORE        := $(BUILD)/iotmsg/core.so
COMMAND     := $(BUILD)/bin/iotmsg

ALL_CFLAGS = -std=c11 -fPIC -fvisibility=hidden -pthread -Icsrc $(WARNINGS) $(LUA_CFLAGS) $(CURL_CFLAGS) \
             $(OPENSSL_CFLAGS) $(CPPFLAGS) $(CFLAGS)

export LUA LUA_ABI

.PHONY: all demo test interop check install env print clean packages

all: $(CORE) $(COMMAND)

$(BUILD)/obj/%.o: csrc/%.c $(HEADERS) Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(CORE): $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) -shared -pthread $(LDFLAGS) $(CFLAGS) -o $@ $(OBJECTS) $(CURL_LIBS) $(OPENSSL_LIBS)

$(COMMAND): Makefile
	@mkdir -p $(@D)
	printf '#!/usr/bin/env %s\nos.exit(require("iotmsg.cli").main(arg), true)\n' $(LUA) > $@
	chmod 755 $@
