;;; drive.el --- Drives Emacs as a user would -*- lexical-binding: t -*-

;;; Commentary:

;; Writes what came of it as JSON to $TENNY_RESULTS and ends as $TENNY_END says.

;;; Code:

(require 'json)

(defvar drive-results nil "What came of each step.")
(defvar drive-answers nil "What is typed at the next prompts.")
(defvar drive-prompts nil "The prompts that there were, the last one first.")

(defun drive-note (name value)
  "Keep VALUE as the result called NAME."
  (push (cons name value) drive-results)
  value)

(defun drive-wait (what condition)
  "Wait for CONDITION to return something, which is WHAT."
  (let ((end (+ (float-time) 30)) value)
    (while (not (setq value (funcall condition)))
      (when (> (float-time) end)
        (error "Waited in vain for %s" what))
      (redisplay)
      (accept-process-output nil 0.02))
    value))

(defun drive-answer ()
  "Type the next answer into the prompt that has just opened."
  (push (minibuffer-prompt) drive-prompts)
  (when drive-answers
    (delete-minibuffer-contents)
    (setq unread-command-events (listify-key-sequence (kbd (pop drive-answers))))))

(add-hook 'minibuffer-setup-hook #'drive-answer)

(defun drive-go (text)
  "Move into TEXT."
  (goto-char (point-min))
  (search-forward text)
  (backward-char 1))

(defun drive-text ()
  "Return the buffer's lines."
  (vconcat (split-string (buffer-substring-no-properties (point-min) (point-max)) "\n")))

(defun drive-line ()
  "Return the current line."
  (buffer-substring-no-properties (line-beginning-position) (line-end-position)))

(defun drive-said ()
  "Return what has been shown in the echo area."
  (with-current-buffer "*Messages*" (buffer-string)))

(defun drive-diagnostics ()
  "Return the texts of the pitfalls, and those of the remarks."
  (let ((texts (mapcar #'flymake-diagnostic-text (flymake-diagnostics))))
    (seq-group-by (lambda (text) (if (string-match-p "MLX has" text) 'pitfalls 'remarks)) texts)))

(defun drive-remarks ()
  "Return the texts of the remarks."
  (alist-get 'remarks (drive-diagnostics)))

(defun drive-hover ()
  "Return what is shown of the name at point."
  (if (bound-and-true-p lsp-mode)
      (save-window-excursion
        (lsp-describe-thing-at-point)
        (and (get-buffer "*lsp-help*") (with-current-buffer "*lsp-help*" (buffer-string))))
    (let ((before (drive-shown)))
      (eldoc t)
      (drive-wait "a hover" (lambda () (not (member (drive-shown) (list "" before)))))
      (substring-no-properties (drive-shown)))))

(defun drive-shown ()
  "Return what eldoc's buffer shows."
  (and (bound-and-true-p eldoc--doc-buffer)
       (with-current-buffer eldoc--doc-buffer (buffer-string))))

(defun drive-request (method params)
  "Return the answer to METHOD with PARAMS."
  (if (bound-and-true-p lsp-mode)
      (with-lsp-workspace (lsp-find-workspace 'tenny (buffer-file-name)) (lsp-request method params))
    (jsonrpc-request (eglot-current-server) (intern (concat ":" method)) params :timeout 60)))

(defun drive-here ()
  "Return the place of point."
  (if (bound-and-true-p lsp-mode) (lsp--text-document-position-params) (eglot--TextDocumentPositionParams)))

(defun drive-keys (keys)
  "Press KEYS."
  (execute-kbd-macro (kbd keys)))

(defun drive-roast ()
  "Roast a comment twice: dismiss the first remark, insert the second."
  (drive-go "hack")
  (let* ((here (drive-here))
         (arguments (vector (plist-get (plist-get here :textDocument) :uri) (plist-get here :position))))
    (setq drive-answers (list "Dis TAB RET"))
    (drive-note "roast" (drive-request "workspace/executeCommand"
                                       (list :command "tenny.roastComment" :arguments arguments))))
  (drive-wait "a message" (lambda () (and (null drive-answers) (zerop (minibuffer-depth)))))
  (drive-note "dismissed" (list (cons "modified" (if (buffer-modified-p) t :json-false)) (cons "lines" (drive-text))))
  (setq drive-answers (list "Ins TAB RET" "y"))
  (drive-keys "C-c m r")
  (drive-wait "an insertion" #'buffer-modified-p)
  (let ((lines (drive-text)) (file (buffer-file-name)))
    (drive-note "inserted" (list (cons "lines" lines)
                                 (cons "disk" (with-temp-buffer (insert-file-contents file) (drive-text)))))))

(defun drive-complete ()
  "Complete a name, and take the first that is offered."
  (drive-go "z = mx.conc")
  (end-of-line)
  (completion-at-point)
  (unless (get-buffer-window "*Completions*")
    (completion-at-point))
  (with-selected-window (get-buffer-window "*Completions*")
    (drive-note "completion" (drive-offered))
    (goto-char (point-min))
    (next-completion 1)
    (choose-completion))
  (drive-note "completed" (drive-line)))

(defun drive-offered ()
  "Return the names in a list of completions."
  (goto-char (point-min))
  (let (found)
    (while (ignore-errors (next-completion 1) (looking-at "\\w+"))
      (push (match-string-no-properties 0) found))
    (vconcat (seq-uniq (nreverse found)))))

(defun drive-fix ()
  "Have a pitfall fixed."
  (drive-note "diagnostics" (vconcat (alist-get 'pitfalls (drive-diagnostics))))
  (drive-go "mx.cat")
  (setq drive-answers (list "Write TAB RET"))
  (let ((last-nonmenu-event ?f))
    (call-interactively (key-binding (kbd "C-c m f"))))
  (drive-note "fixed" (drive-line)))

(defun drive-review ()
  "Have the buffer reviewed, and take that back."
  (drive-keys "C-c m v")
  (drive-wait "a review" (lambda () (> (length (drive-remarks)) 2)))
  (drive-note "review" (vconcat (drive-remarks)))
  (drive-keys "C-c m c")
  (drive-wait "its end" (lambda () (null (drive-remarks)))))

(defun drive-ask ()
  "Ask a question."
  (setq drive-answers (list "what SPC replaces SPC torch.cat? RET"))
  (drive-keys "C-c m a")
  (drive-wait "an answer" (lambda () (string-match-p "is called axis" (drive-said)))))

(defun drive-restart ()
  "Restart the server and hover again."
  (if (not (bound-and-true-p lsp-mode))
      (eglot-reconnect (eglot-current-server))
    (call-interactively #'lsp-workspace-restart)
    (drive-wait "a new server" (lambda () (string-match-p "initialized.*\\(\n.*\\)*initialized" (drive-said)))))
  (drive-note "again" (drive-request "textDocument/hover" (drive-here))))

(defun drive-beside ()
  "Hover over two names."
  (dolist (name '(("mlx" . "zeros") ("other" . "len")))
    (drive-go (cdr name))
    (drive-note (car name) (drive-hover))))

(defun drive ()
  "Do what $TENNY_SCENE says."
  (drive-wait "diagnostics" #'flymake-diagnostics)
  (drive-go "zeros")
  (pcase (getenv "TENNY_SCENE")
    ("beside" (drive-beside))
    ("open" (drive-hover) (drive-restart))
    (_ (drive-note "hover" (drive-hover))
       (drive-go "len")
       (drive-note "silent" (drive-request "textDocument/hover" (drive-here)))
       (drive-roast)
       (drive-fix)
       (drive-complete)
       (drive-review)
       (drive-ask))))

(defun drive-finish ()
  "Write what came of it, and end."
  (drive-note "messages" (drive-said))
  (drive-note "prompts" (vconcat (reverse drive-prompts)))
  (drive-note "log" (vconcat (mapcar (lambda (buffer) (with-current-buffer buffer (buffer-string)))
                                     (seq-filter (lambda (buffer) (string-match-p "stderr" (buffer-name buffer)))
                                                 (buffer-list)))))
  (with-temp-file (getenv "TENNY_RESULTS")
    (insert (json-encode drive-results)))
  (when (equal (getenv "TENNY_END") "kill")
    (signal-process (emacs-pid) 'SIGKILL))
  (set-buffer-modified-p nil)
  (kill-emacs))

;; Once Emacs is idle: eglot leaves what runs while it connects.
(run-with-idle-timer 0.2 nil
                     (lambda ()
                       (condition-case problem (drive) (error (drive-note "problem" (error-message-string problem))))
                       (drive-finish)))

;;; drive.el ends here
