/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit.flow;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.openshelf.toolkit.Args;

/** The outcome of something that may fail: either a value or the exception that stopped it. */
public sealed interface Result<T> permits Result.Ok, Result.Failed {

    record Ok<T>(T value) implements Result<T> {
    }

    record Failed<T>(Exception error) implements Result<T> {

        public Failed {
            Args.notNull(error, "error");
        }
    }

    static <T> Result<T> ok(T value) {
        return new Ok<>(value);
    }

    static <T> Result<T> failed(Exception error) {
        return new Failed<>(error);
    }

    /** Runs the action and catches what it throws. */
    static <T> Result<T> of(Callable<? extends T> action) {
        try {
            return ok(action.call());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return failed(e);
        } catch (Exception e) {
            return failed(e);
        }
    }

    /** All values, or the first failure. */
    static <T> Result<List<T>> all(Collection<Result<T>> results) {
        List<T> values = new ArrayList<>(results.size());
        for (Result<T> result : results) {
            if (result instanceof Failed<T> failure) {
                return failed(failure.error());
            }
            values.add(result.orElseThrow());
        }
        return ok(values);
    }

    default boolean isOk() {
        return this instanceof Ok<T>;
    }

    default <R> Result<R> map(Function<? super T, ? extends R> mapper) {
        return flatMap(value -> ok(mapper.apply(value)));
    }

    default <R> Result<R> flatMap(Function<? super T, Result<R>> mapper) {
        if (this instanceof Ok<T> ok) {
            return mapper.apply(ok.value());
        }
        return failed(((Failed<T>) this).error());
    }

    default Result<T> recover(Function<? super Exception, ? extends T> fallback) {
        if (this instanceof Failed<T> failure) {
            return of(() -> fallback.apply(failure.error()));
        }
        return this;
    }

    default Result<T> ifFailed(Consumer<? super Exception> action) {
        if (this instanceof Failed<T> failure) {
            action.accept(failure.error());
        }
        return this;
    }

    default T orElse(T other) {
        return this instanceof Ok<T> ok ? ok.value() : other;
    }

    default T orElseGet(Supplier<? extends T> other) {
        return this instanceof Ok<T> ok ? ok.value() : other.get();
    }

    /** The value; a failure is thrown again, wrapped if it is a checked exception. */
    default T orElseThrow() {
        if (this instanceof Ok<T> ok) {
            return ok.value();
        }
        Exception error = ((Failed<T>) this).error();
        if (error instanceof RuntimeException runtime) {
            throw runtime;
        }
        throw new IllegalStateException(error.getMessage(), error);
    }

    default Optional<T> toOptional() {
        return this instanceof Ok<T> ok ? Optional.ofNullable(ok.value()) : Optional.empty();
    }
}
