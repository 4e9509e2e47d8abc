import numpy as np
import seaborn as sns
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelBinarizer, StandardScaler
from tensorflow.keras.layers import Dense
from tensorflow.keras.models import Sequential

iris = load_iris()
X = iris.data
y = LabelBinarizer().fit_transform(iris.target)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
scaler = StandardScaler().fit(X_train)
X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
sns.set_style("whitegrid")


def build_model(units):
    model = Sequential()
    model.add(Dense(units, input_dim=4, activation="relu"))
    model.add(Dense(3, activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model


best = None
for units in (8, 16, 32):
    candidate = build_model(units)
    candidate.fit(X_train, y_train, epochs=200, batch_size=5, verbose=0)
    accuracy = candidate.evaluate(X_test, y_test, verbose=0)[1]
    best = candidate
print(classification := np.argmax(best.predict(X_test), axis=1))
