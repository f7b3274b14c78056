# iotmsg: GNU make. `make print` shows every knob with its value; each can be set on the command line.
# As root, make installs the Debian packages it needs; otherwise it names them.

LUA          ?= lua5.4
PKG_CONFIG   ?= pkg-config
BUSTED       ?= /usr/bin/busted
LUACHECK     ?= luacheck
CLANG_FORMAT ?= clang-format

# The Lua that is built for: its ABI (LuaJIT has 5.1's) names the folder and, for pkg-config, the headers.
LUA_ABI  ?= $(shell $(LUA) -e 'io.write((_VERSION:match("%d%.%d")))' 2>/dev/null)
LUA_PC   ?= $(firstword $(foreach name,lua$(LUA_ABI) lua-$(LUA_ABI) lua$(subst .,,$(LUA_ABI)) \
              $(if $(filter 5.1,$(LUA_ABI)),luajit),$(shell $(PKG_CONFIG) --exists $(name) && echo $(name))))
BUILD    ?= build/$(LUA_ABI)

PREFIX     ?= /usr/local
DESTDIR    ?=
LUA_LIBDIR ?= $(PREFIX)/lib/lua/$(LUA_ABI)
LUADIR     ?= $(PREFIX)/share/lua/$(LUA_ABI)
BINDIR     ?= $(PREFIX)/bin
LUA_INCDIR ?=
CURL_DIR   ?=
OPENSSL_DIR ?=

CFLAGS   ?= -O2 -g
CPPFLAGS ?=
LDFLAGS  ?=
WARNINGS ?= -Wall -Wextra -Werror
LUA_CFLAGS     ?= $(if $(LUA_INCDIR),-I$(LUA_INCDIR),$(shell $(PKG_CONFIG) --cflags $(LUA_PC)))
CURL_CFLAGS    ?= $(if $(CURL_DIR),-I$(CURL_DIR)/include,$(shell $(PKG_CONFIG) --cflags libcurl))
CURL_LIBS      ?= $(if $(CURL_DIR),-L$(CURL_DIR)/lib -lcurl,$(shell $(PKG_CONFIG) --libs libcurl))
OPENSSL_CFLAGS ?= $(if $(OPENSSL_DIR),-I$(OPENSSL_DIR)/include,$(shell $(PKG_CONFIG) --cflags openssl))
OPENSSL_LIBS   ?= $(if $(OPENSSL_DIR),-L$(OPENSSL_DIR)/lib -lssl -lcrypto,$(shell $(PKG_CONFIG) --libs openssl))

# Debian's packages by what they are for; "a|b": either will do.
BUILD_PACKAGES    ?= gcc libc6-dev pkg-config libcurl4-openssl-dev libssl-dev ca-certificates \
                     lua5.4 liblua5.4-dev lua5.1 liblua5.1-0-dev luajit2|luajit lua-cjson
EMULATOR_PACKAGES ?= lua-http lua-luaossl lua-cqueues mosquitto mosquitto-clients
TEST_PACKAGES     ?= lua5.2 liblua5.2-dev lua5.3 liblua5.3-dev lua-busted lua-check luarocks git clang \
                     clang-format libclang-rt-14-dev nginx-light|nginx-core|nginx-full|nginx-extras curl \
                     procps binutils
# Some builds of nodejs bring npm along and conflict with Debian's.
INTEROP_PACKAGES  ?= nodejs $(if $(shell command -v npm),,npm) python3-venv
# Every ABI that is tested; one build serves 5.1 and LuaJIT.
TESTED_ABIS       ?= 5.1 5.2 5.3 5.4

SOURCES     := $(sort $(wildcard csrc/*/*.c))
HEADERS     := $(sort $(wildcard csrc/*/*.h))
LUA_SOURCES := $(sort $(shell cd lua && find iotmsg -name '*.lua'))
OBJECTS     := $(SOURCES:csrc/%.c=$(BUILD)/obj/%.o)
CORE        := $(BUILD)/iotmsg/core.so
COMMAND     := $(BUILD)/bin/iotmsg
ALL_CFLAGS   = -std=c11 -fPIC -fvisibility=hidden -pthread -Icsrc $(WARNINGS) $(LUA_CFLAGS) $(CURL_CFLAGS) \
               $(OPENSSL_CFLAGS) $(CPPFLAGS) $(CFLAGS)

.PHONY: all core demo test interop install install-files env print clean build-packages demo-packages test-packages \
        interop-packages tested-builds spec-modules FORCE

all: build-packages
	@$(MAKE) --no-print-directory core

core: $(CORE) $(COMMAND)

$(BUILD)/obj/%.o: csrc/%.c $(HEADERS) Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(CORE): $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) -shared -pthread $(CFLAGS) $(LDFLAGS) -o $@ $(OBJECTS) $(CURL_LIBS) $(OPENSSL_LIBS)

# Written anew when it names another interpreter: LuaJIT and Lua 5.1 share the folder.
$(COMMAND): FORCE
	@mkdir -p $(@D)
	@printf '#!/usr/bin/env %s\nos.exit(require("iotmsg.cli").main(arg), true)\n' $(LUA) > $@.new
	@chmod 755 $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

FORCE:

# A Lua module for the specs alone: what Debian's lua-posix would offer, for every Lua.
spec-modules: $(BUILD)/spec/posix.so

$(BUILD)/spec/%.so: spec/support/%.c Makefile
	@mkdir -p $(@D)
	$(CC) -shared -fPIC -pthread -std=c11 $(WARNINGS) $(LUA_CFLAGS) $(CFLAGS) -o $@ $<

# Prints the lines that make the built tree usable in place: eval "$(make -s env)".
env:
	@echo 'export LUA_PATH="$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;;"'
	@echo 'export LUA_CPATH="$(abspath $(BUILD))/?.so;;"'
	@echo 'export PATH="$(abspath $(BUILD))/bin:$$PATH"'

demo: demo-packages
	@$(MAKE) --no-print-directory -s core
	@eval "$$($(MAKE) --no-print-directory -s env)"; LUA_PATH="$(CURDIR)/?.lua;$$LUA_PATH" $(LUA) spec/demo.lua

test: test-packages
	@$(MAKE) --no-print-directory -s tested-builds
	@MAKE="$(MAKE)" BUSTED="$(BUSTED)" sh spec/run

tested-builds:
	@for abi in $(TESTED_ABIS); do \
	  $(MAKE) --no-print-directory core spec-modules LUA=lua$$abi LUA_ABI=$$abi || exit 1; done

# The vendors' own SDKs as clients of the emulator, installed under build/.
interop: interop-packages
	@$(MAKE) --no-print-directory -s core
	@MAKE="$(MAKE)" BUSTED="$(BUSTED)" sh spec/interop/run

install: all
	@$(MAKE) --no-print-directory install-files

install-files:
	install -d $(DESTDIR)$(LUA_LIBDIR)/iotmsg $(DESTDIR)$(BINDIR)
	install -m 755 $(CORE) $(DESTDIR)$(LUA_LIBDIR)/iotmsg/core.so
	install -m 755 $(COMMAND) $(DESTDIR)$(BINDIR)/iotmsg
	for file in $(LUA_SOURCES); do \
	  install -D -m 644 lua/$$file $(DESTDIR)$(LUADIR)/$$file || exit 1; done

KNOBS := LUA LUA_ABI LUA_PC BUILD CC CFLAGS CPPFLAGS LDFLAGS WARNINGS PKG_CONFIG LUA_INCDIR LUA_CFLAGS CURL_DIR \
         CURL_CFLAGS CURL_LIBS OPENSSL_DIR OPENSSL_CFLAGS OPENSSL_LIBS PREFIX DESTDIR LUA_LIBDIR LUADIR BINDIR \
         BUSTED LUACHECK CLANG_FORMAT BUILD_PACKAGES EMULATOR_PACKAGES TEST_PACKAGES INTEROP_PACKAGES TESTED_ABIS

print:
	$(foreach knob,$(KNOBS),$(info $(knob) = $($(knob))))@:

clean:
	rm -rf build

# Makes sure that packages are there. Where there is no dpkg the compiler and the tests will tell what is missing.
define require_packages
	@command -v dpkg-query >/dev/null || exit 0; \
	missing=; for wanted in $(foreach package,$(1),'$(package)'); do \
	  found=; for name in $$(echo "$$wanted" | tr '|' ' '); do \
	    dpkg-query -W -f='$${Status}' "$$name" 2>/dev/null | grep -q 'ok installed' && found=1; done; \
	  [ -n "$$found" ] || missing="$$missing $${wanted%%|*}"; done; \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" != 0 ]; then \
	  echo "iotmsg needs these packages: apt-get install$$missing" >&2; exit 1; fi; \
	echo "installing$$missing"; \
	apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
	  apt-get install -qq -y --no-install-recommends $$missing >build-packages.log 2>&1 || \
	  { cat build-packages.log >&2; rm -f build-packages.log; exit 1; }; rm -f build-packages.log
endef

build-packages:
	$(call require_packages,$(BUILD_PACKAGES))

demo-packages:
	$(call require_packages,$(BUILD_PACKAGES) $(EMULATOR_PACKAGES))

test-packages:
	$(call require_packages,$(BUILD_PACKAGES) $(EMULATOR_PACKAGES) $(TEST_PACKAGES))

interop-packages:
	$(call require_packages,$(BUILD_PACKAGES) $(EMULATOR_PACKAGES) $(TEST_PACKAGES) $(INTEROP_PACKAGES))
