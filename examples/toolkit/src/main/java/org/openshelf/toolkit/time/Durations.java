/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit.time;

import java.time.DayOfWeek;
import java.time.Duration;
import java.time.LocalDate;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.openshelf.toolkit.Args;

/** Reading, printing and counting spans of time. */
public final class Durations {

    private static final Pattern PART = Pattern.compile("(\\d+)\\s*(ms|s|m|h|d)");

    private Durations() {
    }

    /** Reads texts such as {@code "1h 30m"}, {@code "250ms"} or {@code "2d"}. */
    public static Duration parse(String text) {
        String value = Args.notBlank(text, "text").trim().toLowerCase(Locale.ROOT);
        Matcher matcher = PART.matcher(value);
        Duration total = Duration.ZERO;
        int end = 0;
        while (matcher.find()) {
            String between = value.substring(end, matcher.start());
            Args.check(between.isBlank(), "cannot read duration '%s'", text);
            long amount = Long.parseLong(matcher.group(1));
            total = total.plus(amount, unit(matcher.group(2)));
            end = matcher.end();
        }
        Args.check(end == value.length() && end > 0, "cannot read duration '%s'", text);
        return total;
    }

    /** Prints the two largest units that are not zero, for example {@code 2h 5m}. */
    public static String format(Duration duration) {
        if (duration.isNegative()) {
            return "-" + format(duration.negated());
        }
        long[] amounts = {
            duration.toDays(), duration.toHoursPart(), duration.toMinutesPart(),
            duration.toSecondsPart(), duration.toMillisPart()
        };
        String[] units = {"d", "h", "m", "s", "ms"};
        StringBuilder out = new StringBuilder();
        int printed = 0;
        for (int i = 0; i < amounts.length && printed < 2; i++) {
            if (amounts[i] > 0) {
                out.append(printed == 0 ? "" : " ").append(amounts[i]).append(units[i]);
                printed++;
            }
        }
        return printed == 0 ? "0ms" : out.toString();
    }

    public static Duration min(Duration a, Duration b) {
        return a.compareTo(b) <= 0 ? a : b;
    }

    /** The date that lies a number of working days after the start; weekends and holidays do not count. */
    public static LocalDate plusWorkingDays(LocalDate start, int days, Set<LocalDate> holidays) {
        Args.notNegative(days, "days");
        LocalDate date = start;
        int left = days;
        while (left > 0) {
            date = date.plusDays(1);
            if (isWorkingDay(date, holidays)) {
                left--;
            }
        }
        return date;
    }

    public static boolean isWorkingDay(LocalDate date, Set<LocalDate> holidays) {
        DayOfWeek day = date.getDayOfWeek();
        return day != DayOfWeek.SATURDAY && day != DayOfWeek.SUNDAY && !holidays.contains(date);
    }

    private static ChronoUnit unit(String symbol) {
        return switch (symbol) {
            case "ms" -> ChronoUnit.MILLIS;
            case "s" -> ChronoUnit.SECONDS;
            case "m" -> ChronoUnit.MINUTES;
            case "h" -> ChronoUnit.HOURS;
            case "d" -> ChronoUnit.DAYS;
            default -> throw new IllegalArgumentException("unknown unit " + symbol);
        };
    }
}
