-- Drives Neovim as a user would, and writes what came of it as JSON to $TENNY_RESULTS. Ends as $TENNY_END says.
local results, answers = {}, {}
local DEADLINE_MS = 30000

-- Runs in the event loop's own callback, so that it answers prompts that block everything else.
vim.loop.new_timer():start(0, 20, function()
  local now = vim.api.nvim_get_mode()
  if #answers > 0 and (now.blocking or now.mode == "c") then
    vim.api.nvim_input(table.remove(answers, 1))
  end
end)

local function wait(what, condition)
  local start = vim.loop.now()
  while true do
    local value = condition()
    if value then
      return value
    end
    if vim.loop.now() - start > DEADLINE_MS then
      error("waited in vain for " .. what, 0)
    end
    coroutine.yield()
  end
end

local function lines()
  return vim.api.nvim_buf_get_lines(0, 0, -1, false)
end

local function go(text)
  for row, line in ipairs(lines()) do
    local start = line:find(text, 1, true)
    if start then
      vim.api.nvim_win_set_cursor(0, { row, start - 1 })
      return
    end
  end
  error("the buffer has no " .. text, 0)
end

local function tenny()
  local clients = vim.lsp.get_clients or vim.lsp.get_active_clients
  for _, client in pairs(clients()) do
    if client.name == "tenny" and client.initialized then
      return client
    end
  end
end

local function floats()
  local found = {}
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= "" then
      table.insert(found, vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false))
    end
  end
  return found
end

local function press(keys)
  vim.api.nvim_input(keys)
end

local function settled(client)
  return vim.tbl_isempty(client.requests)
end

local function remarks()
  return vim.tbl_filter(function(found)
    return found.code == "cynical-review"
  end, vim.diagnostic.get(0))
end

local function hover(client)
  go("zeros")
  press("K")
  results.hover = wait("a hover", function()
    return floats()[1]
  end)
  press("h") -- closes it
  wait("its end", function()
    return #floats() == 0
  end)
  go("len")
  press("K")
  wait("a hover's answer", function()
    return settled(client)
  end)
  results.silent = floats()
end

local function hints()
  if not vim.lsp.inlay_hint then
    return
  end
  results.hints = wait("hints", function()
    vim.cmd("redraw") -- they are drawn line by line, when a line is
    local drawn = {}
    for name, id in pairs(vim.api.nvim_get_namespaces()) do
      for _, mark in ipairs(name:find("inlay") and vim.api.nvim_buf_get_extmarks(0, id, 0, -1, { details = true }) or {}) do
        local words = vim.tbl_map(function(chunk)
          return chunk[1]
        end, mark[4].virt_text)
        table.insert(drawn, { mark[2], mark[3], table.concat(words) })
      end
    end
    return #drawn > 0 and drawn
  end)
end

local function roast(client)
  go("hack")
  local answer
  local here = vim.lsp.util.make_position_params(0, client.offset_encoding).position
  local params = { command = "tenny.roastComment", arguments = { vim.uri_from_bufnr(0), here } }
  table.insert(answers, "3<CR>") -- Dismiss
  client.rpc.request("workspace/executeCommand", params, function(_, result)
    answer = result
  end)
  results.roast = wait("a roast", function()
    return #answers == 0 and answer
  end)
  results.dismissed = { modified = vim.bo.modified, lines = lines() }
  table.insert(answers, "1<CR>") -- Insert as comment
  press("\\mr")
  wait("an insertion", function()
    return vim.bo.modified
  end)
  results.inserted = { lines = lines(), disk = vim.fn.readfile(vim.fn.expand("%")) }
end

local function complete()
  go("z = mx.conc")
  press("A<C-x><C-o>")
  wait("a completion", function()
    return vim.fn.pumvisible() == 1
  end)
  results.completion = vim.tbl_map(function(item)
    return item.word
  end, vim.fn.complete_info({ "items" }).items)
  press("<C-y><Esc>")
  wait("the end of it", function()
    return vim.api.nvim_get_mode().mode == "n"
  end)
  results.completed = vim.api.nvim_get_current_line()
end

local function fix()
  wait("the diagnostics of the completed text", function()
    return #vim.diagnostic.get(0) == 1
  end)
  results.diagnostics = vim.tbl_map(function(found)
    return { found.lnum, found.code, found.source, found.message }
  end, vim.diagnostic.get(0))
  go("mx.cat")
  table.insert(answers, "1<CR>")
  local only = vim.fn.has("nvim-0.8") == 1 and { context = { only = { "quickfix" } } } or { only = "quickfix" }
  vim.lsp.buf.code_action(only)
  wait("a fix", function()
    return not vim.api.nvim_get_current_line():find("mx.cat(", 1, true)
  end)
  results.fixed = vim.api.nvim_get_current_line()
end

local function review(client)
  press("\\mv")
  wait("a review", function()
    return #remarks() > 0 and settled(client)
  end)
  results.review = vim.tbl_map(function(found)
    return { found.lnum, found.message }
  end, remarks())
  press("\\mc")
  wait("its end", function()
    return #remarks() == 0
  end)
end

local function ask()
  table.insert(answers, "what replaces torch.cat?<CR>")
  press("\\ma")
  wait("an answer", function()
    return vim.fn.execute("messages"):find("axis", 1, true)
  end)
end

local function beside()
  wait("two servers", function()
    local clients = (vim.lsp.get_clients or vim.lsp.get_active_clients)()
    local ready = vim.tbl_filter(function(client)
      return client.initialized and client.attached_buffers[vim.api.nvim_get_current_buf()]
    end, clients)
    return #ready == 2
  end)
  for name, text in pairs({ mlx = "zeros", other = "len" }) do
    go(text)
    press("K")
    results[name] = wait("a hover", function()
      return floats()[1] and floats()
    end)
    press("h")
    wait("its end", function()
      return #floats() == 0
    end)
  end
end

local scenes = {
  all = function(client)
    hover(client)
    hints()
    roast(client)
    complete()
    fix()
    review(client)
    ask()
  end,
  open = function(client)
    hover(client)
    complete() -- starts the model worker
  end,
  beside = beside,
}

local function drive()
  local client = wait("the server", tenny)
  wait("diagnostics", function()
    return #vim.diagnostic.get(0) > 0
  end)
  scenes[vim.env.TENNY_SCENE](client)
end

local function finish()
  local log = vim.lsp.log and vim.lsp.log.get_filename and vim.lsp.log.get_filename() or vim.lsp.get_log_path()
  results.messages = vim.fn.execute("messages")
  results.log = vim.tbl_filter(function(line)
    return line:find('"stderr"', 1, true)
  end, vim.fn.filereadable(log) == 1 and vim.fn.readfile(log) or {})
  vim.fn.writefile({ vim.json.encode(results) }, vim.env.TENNY_RESULTS)
  if vim.env.TENNY_END == "kill" then
    vim.loop.kill(vim.fn.getpid(), "sigkill")
  end
  vim.cmd("qa!")
end

local steps = coroutine.create(function()
  local done, problem = xpcall(drive, debug.traceback)
  results.problem = not done and problem or nil
  finish()
end)
vim.loop.new_timer():start(0, 20, vim.schedule_wrap(function()
  if coroutine.status(steps) == "suspended" then
    coroutine.resume(steps)
  end
end))
