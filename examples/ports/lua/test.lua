-- One line for each check; the whole output is compared with expected.txt.
local function check(name, value, wanted)
  print((value == wanted and "ok " or "FAILED ") .. name .. (value == wanted and "" or
    ": " .. tostring(value)))
end
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
check("recursion", fib(20), 6765)
local t = {}
for i = 1, 1000 do t[i] = (i * 7919) % 1009 end
table.sort(t)
local sorted = true
for i = 2, #t do sorted = sorted and t[i - 1] <= t[i] end
check("sort", sorted, true)
check("format", string.format("%5.2f|%-6s|%x|%q", 3.14159, "ab", 255, 'a"b'), ' 3.14|ab    |ff|"a\\"b"')
check("gsub", (("hello world"):gsub("o", "0")), "hell0 w0rld")
local words = {}
for w in ("one two three"):gmatch("%a+") do words[#words + 1] = w end
check("gmatch", table.concat(words, "-"), "one-two-three")
local ok, message = pcall(function() error({ code = 7 }) end)
check("pcall", not ok and message.code, 7)
check("error position", select(2, pcall(function() local x = nil; return x.y end)):match("index") ~= nil, true)
local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i * i) end end)
check("coroutine", co() + co() + co(), 14)
local counter = setmetatable({}, { __index = function(_, k) return k .. "!" end })
check("metatable", counter.hi, "hi!")
check("integer division", 7 // 2 .. " " .. 7 % -3 .. " " .. 7.0 // 2, "3 -2 3.0")
check("bit operations", (0xff ~ 0x0f) << 4, 0xf00)
check("integer overflow", math.maxinteger + 1 == math.mininteger, true)
check("float", tostring(1e15) .. " " .. 2 ^ 53, "1e+15 9.007199254741e+15")
check("utf8", utf8.char(228, 8364) .. utf8.len("äé"), "ä€2")
local f = assert(io.open("/tmp/lua.txt", "w"))
f:write("first\n", 42, "\n")
f:close()
local lines = {}
for line in io.lines("/tmp/lua.txt") do lines[#lines + 1] = line end
check("files", table.concat(lines, ","), "first,42")
check("rename", os.rename("/tmp/lua.txt", "/tmp/moved.txt") and io.open("/tmp/lua.txt") == nil, true)
check("missing file", select(2, io.open("/none")), "/none: No such file or directory")
check("environment", os.getenv("HOME") ~= nil and os.getenv("NONE") == nil, true)
check("clock", os.time() < 10, true)
local parts = {}
for i = 1, 100000 do parts[i] = tostring(i) end
check("garbage", #table.concat(parts), 488895)
collectgarbage()
check("load", load("return 6 * ...")(7), 42)
