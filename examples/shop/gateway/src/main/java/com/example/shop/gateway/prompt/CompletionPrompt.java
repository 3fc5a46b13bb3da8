/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.prompt;

import com.example.shop.gateway.support.Preconditions;
import java.util.List;
import java.util.Optional;

/**
 * Builds the prompts that the IDE plug-in sends through the gateway to the completion service.
 *
 * <p>代码补全提示：光标之前的代码、空缺标记、光标之后的代码，依次拼接。
 */
public final class CompletionPrompt {

    private static final String BEGIN = "<｜fim▁begin｜>";
    private static final String HOLE = "<｜fim▁hole｜>";
    private static final String END = "<｜fim▁end｜>";
    private static final String PAD = "<pad>";
    private static final String STOP = "<|endoftext|>";
    private static final List<String> CONTROL = List.of(BEGIN, HOLE, END, PAD, STOP);

    private final int maxPrefix;
    private final int maxSuffix;

    public CompletionPrompt(int maxPrefix, int maxSuffix) {
        this.maxPrefix = Preconditions.positive(maxPrefix, "maxPrefix");
        this.maxSuffix = Preconditions.positive(maxSuffix, "maxSuffix");
    }

    /** Returns the prompt for a cursor in a file. */
    public String build(String source, int cursor) {
        Preconditions.notNull(source, "source");
        Preconditions.inRange(cursor, 0, source.length(), "cursor");
        String prefix = lastLines(source.substring(0, cursor), maxPrefix);
        String suffix = firstLines(source.substring(cursor), maxSuffix);
        return BEGIN + neutralize(prefix) + HOLE + neutralize(suffix) + END;
    }

    /** Cuts the model's answer at the first stop mark; an answer of white space is no answer. */
    public Optional<String> clean(String answer) {
        String text = Preconditions.notNull(answer, "answer").replace("<pad>", "");
        int stop = text.indexOf("<|endoftext|>");
        if (stop >= 0) {
            text = text.substring(0, stop);
        }
        return text.isBlank() ? Optional.empty() : Optional.of(text.stripTrailing());
    }

    /** Tells whether a source file holds a control mark and could mislead the model. */
    public static boolean holdsControlMark(String source) {
        return CONTROL.stream().anyMatch(source::contains);
    }

    /** Breaks the control marks that a user's code may hold, without changing its length. */
    static String neutralize(String code) {
        String result = code;
        for (String mark : CONTROL) {
            result = result.replace(mark, "[" + mark.substring(1, mark.length() - 1) + "]");
        }
        return result;
    }

    private static String lastLines(String text, int maxChars) {
        if (text.length() <= maxChars) {
            return text;
        }
        int from = text.length() - maxChars;
        int lineStart = text.indexOf('\n', from) + 1;
        return text.substring(lineStart > 0 ? lineStart : from);
    }

    private static String firstLines(String text, int maxChars) {
        if (text.length() <= maxChars) {
            return text;
        }
        int lineEnd = text.lastIndexOf('\n', maxChars - 1);
        return text.substring(0, lineEnd > 0 ? lineEnd + 1 : maxChars);
    }
}
