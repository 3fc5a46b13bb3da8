/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit.flow;

import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;

/**
 * One of two values. By convention the right side carries the expected value, and
 * {@link #map} and {@link #flatMap} work on it.
 */
public final class Either<L, R> {

    private final L left;
    private final R right;
    private final boolean isRight;

    private Either(L left, R right, boolean isRight) {
        this.left = left;
        this.right = right;
        this.isRight = isRight;
    }

    public static <L, R> Either<L, R> left(L value) {
        return new Either<>(Objects.requireNonNull(value, "value"), null, false);
    }

    public static <L, R> Either<L, R> right(R value) {
        return new Either<>(null, Objects.requireNonNull(value, "value"), true);
    }

    public boolean isRight() {
        return isRight;
    }

    public boolean isLeft() {
        return !isRight;
    }

    public L left() {
        if (isRight) {
            throw new NoSuchElementException("either holds a right value");
        }
        return left;
    }

    public R right() {
        if (!isRight) {
            throw new NoSuchElementException("either holds a left value");
        }
        return right;
    }

    public <S> Either<L, S> map(Function<? super R, ? extends S> mapper) {
        return isRight ? right(mapper.apply(right)) : left(left);
    }

    public <M> Either<M, R> mapLeft(Function<? super L, ? extends M> mapper) {
        return isRight ? right(right) : left(mapper.apply(left));
    }

    public <S> Either<L, S> flatMap(Function<? super R, Either<L, S>> mapper) {
        return isRight ? mapper.apply(right) : left(left);
    }

    public <T> T fold(Function<? super L, ? extends T> onLeft, Function<? super R, ? extends T> onRight) {
        return isRight ? onRight.apply(right) : onLeft.apply(left);
    }

    public Either<R, L> swap() {
        return new Either<>(right, left, !isRight);
    }

    public Optional<R> toOptional() {
        return Optional.ofNullable(right);
    }

    @Override
    public boolean equals(Object other) {
        if (this == other) {
            return true;
        }
        if (!(other instanceof Either<?, ?> that)) {
            return false;
        }
        return isRight == that.isRight && Objects.equals(left, that.left) && Objects.equals(right, that.right);
    }

    @Override
    public int hashCode() {
        return Objects.hash(left, right, isRight);
    }

    @Override
    public String toString() {
        return isRight ? "Right(" + right + ")" : "Left(" + left + ")";
    }
}
